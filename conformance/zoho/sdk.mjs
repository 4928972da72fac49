// One run of the Node SDK: reads what to do as JSON, does it, and prints as JSON what the SDK made of the answer.
//
// Nothing is judged here, and each scenario is a process of its own, since the SDK keeps global state.

import { readFileSync } from 'node:fs';
import * as S from '@zohocrm/nodejs-sdk-7.0';

const { APIException, FeaturesOperations, GetFeatureDetailsParam, ResponseWrapper } = S.Features;

// The SDK leaves out what is null.
const orNull = (value) => value ?? null;

function row(feature) {
  const details = feature.getDetails();
  const counts = [details?.getLimits(), details?.getUsedCount(), details?.getAvailableCount()];
  return {
    api_name: orNull(feature.getAPIName()),
    label: orNull(feature.getFeatureLabel()),
    module_supported: orNull(feature.getModuleSupported()),
    components: orNull(feature.getComponents()),
    parent_feature: orNull(feature.getParentFeature()),
    totals: counts.map((count) => orNull(count?.getTotal())),
  };
}

function seen(response) {
  if (response == null) return { object: 'no response' };
  const answer = response.getObject();
  const shown = { status: response.getStatusCode(), object: answer?.constructor.name ?? 'NoneType' };
  if (answer instanceof ResponseWrapper) {
    shown.rows = answer.getFeatures().map(row);
    const info = answer.getInfo();
    if (info != null) {
      shown.info = [info.getPage(), info.getPerPage(), info.getCount(), info.getMoreRecords()];
    }
  } else if (answer instanceof APIException) {
    shown.code = answer.getCode().getValue();
    shown.state = answer.getStatus().getValue();
    shown.message = answer.getMessage().getValue();
    const details = answer.getDetails();
    shown.details = details instanceof Map ? Object.fromEntries(details) : orNull(details);
  }
  return shown;
}

async function parameters(given) {
  const names = { module: GetFeatureDetailsParam.MODULE, api_names: GetFeatureDetailsParam.API_NAMES };
  const chosen = new S.ParameterMap();
  for (const [name, value] of Object.entries(given)) await chosen.add(names[name], value);
  return chosen;
}

function tokenOf(plan) {
  const given = plan.token;
  const builder = new S.OAuthBuilder();
  if (given.client_id != null) builder.clientId(given.client_id);
  if (given.client_secret != null) builder.clientSecret(given.client_secret);
  if (given.refresh_token != null) builder.refreshToken(given.refresh_token);
  if (given.grant_token != null) builder.grantToken(given.grant_token);
  if (given.access_token != null) builder.accessToken(given.access_token);
  if (given.redirect_url != null) builder.redirectURL(given.redirect_url);
  return builder.findUser(plan.find_user).build();
}

async function run(plan, store) {
  const accounts = `${plan.accounts}/oauth/v2/token`;
  const token = tokenOf(plan);
  const environment = S.DataCenter.setEnvironment(plan.base, accounts, plan.base);
  const initializer = await new S.InitializeBuilder();
  await initializer.environment(environment).token(token).store(store).resourcePath(process.cwd()).initialize();
  if (plan.call === 'revoke') {
    return { revoked: await token.revokeRefreshToken(plan.of, `${accounts}/revoke`) };
  }
  // One token is in hand by now; these are more.
  for (let turn = 0; turn < plan.refreshes; turn += 1) await token.refreshAccessToken(token, accounts);
  const operations = new FeaturesOperations();
  if (plan.call === 'count') return seen(await operations.getUserLicencesCount());
  if (plan.call === 'list') return seen(await operations.getFeatureDetails(await parameters(plan.of)));
  return seen(await operations.getFeatureDetail(plan.of));
}

async function main() {
  const store = new S.FileStore(`${process.cwd()}/tokens.txt`);
  let shown;
  try {
    shown = await run(JSON.parse(readFileSync(0, 'utf8')), store);
  } catch (error) {
    shown = { raised: [error.code ?? error.constructor.name, error.message] };
  }
  shown.stored = (await store.getTokens()).map((token) => ({
    user: orNull(token.getUserSignature()?.getName()),
    access_token: orNull(token.getAccessToken()),
    refresh_token: orNull(token.getRefreshToken()),
    api_domain: orNull(token.getAPIDomain()),
  }));
  console.log(JSON.stringify(shown));
}

await main();
