// simple-oauth2, by its default way of naming a client: HTTP Basic at the token endpoint.

import oauth from 'simple-oauth2';

const env = process.env;
const auth = { tokenHost: env.LICTOR_URL, tokenPath: '/oauth/v2/token', revokePath: '/oauth/v2/token/revoke' };
const scope = 'ZohoCRM.features.READ,ZohoCRM.org.READ';
let failures = 0;

function check(name, holds, seen) {
  if (!holds) failures += 1;
  console.log(holds ? `ok ${name}` : `FAIL ${name}: ${JSON.stringify(seen)}`);
}

const config = (secret) => ({ client: { id: env.CLIENT_ID, secret }, auth });
const redirect_uri = 'https://example.com/callback';
const code = new oauth.AuthorizationCode(config(env.CLIENT_SECRET));
const first = await code.getToken({ code: env.GRANT_TOKEN, redirect_uri });
check('simple-oauth2 trades a code', first.token.token_type === 'Bearer' && !first.expired(), first.token);
const again = await first.refresh();
check('simple-oauth2 refreshes', again.token.access_token !== first.token.access_token, again.token);
const headers = { Authorization: `Zoho-oauthtoken ${again.token.access_token}` };
const answer = await fetch(`${env.LICTOR_URL}/crm/v8/__features/user_licenses/`, { headers });
check('simple-oauth2 reads the license count', answer.status === 200, answer.status);
const own = new oauth.ClientCredentials(config(env.CLIENT_SECRET));
const granted = await own.getToken({ scope, soid: env.SOID });
check('simple-oauth2 trades its own credentials', granted.token.api_domain === env.LICTOR_URL, granted.token);
await again.revoke('access_token');
const dead = await fetch(`${env.LICTOR_URL}/crm/v8/org`, { headers });
check('simple-oauth2 revokes', dead.status === 401, dead.status);
const wrong = await new oauth.ClientCredentials(config('wrong')).getToken({ scope, soid: env.SOID }).then(
  (token) => token.token,
  (error) => ({ error: error.data?.payload?.error ?? error.message }),
);
check('simple-oauth2 tells a wrong secret', wrong.error === 'invalid_client_secret', wrong);
process.exit(failures ? 1 : 0);
