// jira.js against the server: what it reads, and what it says when it may not.

const { Version2Client, Version3Client } = require('jira.js');

const env = process.env;
const NOBODY = 'Client must be authenticated to access this resource.';
const NO_ADMIN = 'Only Jira administrators can access license details.';
const NO_SCOPE = 'Unauthorized; scope does not match';
const PLANS = 'jira-core PAID, jira-servicedesk FREE, jira-software PAID';

let failures = 0;

function check(name, holds, seen) {
  if (!holds) failures += 1;
  console.log(holds ? `ok ${name}` : `FAIL ${name}: ${JSON.stringify(seen)}`);
}

async function refused(name, call, status, words) {
  try {
    check(name, false, await call());
  } catch (error) {
    const said = error.response?.data?.errorMessages?.[0] ?? '';
    const seen = error.status ?? error.response?.status;
    check(name, seen === status && said.includes(words), [seen, said, error.message]);
  }
}

async function read(name, client) {
  const metrics = client.licenseMetrics;
  const license = await metrics.getLicense();
  const plans = license.applications.map(({ id, plan }) => `${id} ${plan}`).join(', ');
  check(`${name} plans`, plans === PLANS, license);
  const total = await metrics.getApproximateLicenseCount();
  check(`${name} total`, total.value === '5' && Object.keys(total).join() === 'key,value', total);
  for (const [key, value] of [['jira-software', '4'], ['jira-core', '3'], ['jira-servicedesk', '0']]) {
    const count = await metrics.getApproximateApplicationLicenseCount(key);
    check(`${name} ${key}`, count.value === value && count.key === `license.${key}.approximateUserCount`, count);
  }
  const unknown = () => metrics.getApproximateApplicationLicenseCount('jira-nothing');
  await refused(`${name} unknown application`, unknown, 400, 'jira-nothing');
  const path = () => metrics.getApproximateApplicationLicenseCount('a/b');
  await refused(`${name} unknown path`, path, 404, '');
  const me = await client.myself.getCurrentUser();
  check(`${name} myself`, me.emailAddress === env.LICTOR_ADMIN_EMAIL, me);
  const info = await client.serverInfo.getServerInfo();
  check(`${name} serverInfo`, info.deploymentType === 'Cloud', info);
}

async function main() {
  const basic = (email, apiToken) => ({ basic: { email, apiToken } });
  const bearer = (accessToken) => ({ oauth2: { accessToken } });
  const hosts = { site: env.LICTOR_BASE, gateway: `${env.LICTOR_BASE}/ex/jira/${env.LICTOR_CLOUD}` };
  for (const [where, host] of Object.entries(hosts)) {
    for (const [version, Client] of [[2, Version2Client], [3, Version3Client]]) {
      const name = `${where} v${version}`;
      const client = (authentication) => new Client({ host, authentication });
      await read(`${name} basic`, client(basic(env.LICTOR_ADMIN_EMAIL, env.LICTOR_ADMIN_TOKEN)));
      await read(`${name} bearer`, client(bearer(env.LICTOR_ADMIN_TOKEN)));
      const other = client(basic(env.LICTOR_OTHER_EMAIL, env.LICTOR_OTHER_TOKEN)).licenseMetrics;
      check(`${name} plans for anybody`, (await other.getLicense()).applications.length === 3, '');
      await refused(`${name} no administrator`, () => other.getApproximateLicenseCount(), 403, NO_ADMIN);
      for (const [who, authentication, words] of [
        ['nobody', undefined, NOBODY],
        ['wrong token', bearer('wrong'), NOBODY],
        ["another's token", basic(env.LICTOR_OTHER_EMAIL, env.LICTOR_ADMIN_TOKEN), NOBODY],
        ['no scope', bearer(env.LICTOR_NARROW_TOKEN), NO_SCOPE],
      ]) {
        const metrics = client(authentication).licenseMetrics;
        await refused(`${name} ${who} plans`, () => metrics.getLicense(), 401, words);
        await refused(`${name} ${who} total`, () => metrics.getApproximateLicenseCount(), 401, words);
      }
    }
  }
  process.exit(failures ? 1 : 0);
}

main();
