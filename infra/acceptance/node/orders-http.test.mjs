// GraphQL over HTTP: what status, type and code an answer has, row by row, by hand and through the two published clients.
import { gunzipSync } from 'node:zlib';
import { request as plain } from 'node:http';
import { before, test } from 'node:test';
import { api, assert, installed, unique } from './harness.mjs';
import { authenticate, basic, begin, clientID, clientSecret, connectOrders, endpoint, refusal, signIn, upload } from './orders.mjs';

const modern = 'application/graphql-response+json';
const nobody = '019b8d62-7a80-7000-8000-000000000000';

let token;
let request;

before(async () => {
  token = await signIn();
  request = await connectOrders(token);
});

// send sends a body as it is.
async function send(body, headers = {}, method = 'POST') {
  const answer = await fetch(endpoint, {
    method, body,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
  });
  const text = await answer.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch { /* a row below looks at the text */ }
  return { status: answer.status, type: answer.headers.get('content-type')?.split(';')[0], headers: answer.headers, text, json };
}

const query = (text, more = {}) => JSON.stringify({ query: text, ...more });
const typename = query('{ __typename }');
const missing = query(`{ order(order_id: "${nobody}") { order_id } }`);

// Each row: what is sent, and the status and code under application/json and under the modern type; null: no errors.
const rows = [
  ['a query', typename, 200, 200, null],
  ['a query with extensions, as Apollo sends them', query('{ __typename }', { extensions: { clientLibrary: { name: '@apollo/client', version: '4.3.8' } } }), 200, 200, null],
  ['the operation that is named', query('query A { __typename } query B { webhooks { webhook_id } }', { operationName: 'B' }), 200, 200, null],
  ['a fragment and __typename', query('query { orders(first: 1) { __typename ...page } } fragment page on OrderPage { next_cursor }'), 200, 200, null],
  ['a variable', query('query ($n: Int) { orders(first: $n) { next_cursor } }', { variables: { n: 1 } }), 200, 200, null],
  ['words that are no GraphQL', query('hello'), 200, 400, 'BAD_USER_INPUT'],
  ['a brace too few', query('{ webhooks { webhook_id }'), 200, 400, 'BAD_USER_INPUT'],
  ['an unknown field', query('{ nothing }'), 200, 400, 'BAD_USER_INPUT'],
  ['an argument too few', query('{ order { order_id } }'), 200, 400, 'BAD_USER_INPUT'],
  ['a variable of the wrong type', query('query ($n: Int) { orders(first: $n) { next_cursor } }', { variables: { n: 'many' } }), 200, 400, 'BAD_USER_INPUT'],
  ['a variable too few', query('query ($id: ID!) { order(order_id: $id) { order_id } }'), 200, 400, 'BAD_USER_INPUT'],
  ['an operation that is not there', query('query A { __typename }', { operationName: 'B' }), 200, 400, 'BAD_USER_INPUT'],
  ['two operations and no name', query('query A { __typename } query B { __typename }'), 200, 400, 'BAD_USER_INPUT'],
  ['no query', '{}', 400, 400, 'BAD_USER_INPUT'],
  ['an empty query', query(''), 400, 400, 'BAD_USER_INPUT'],
  ['an order that is not there', missing, 200, 200, 'NOT_FOUND'],
  ['an argument that makes no sense', query('{ orders(first: 101) { next_cursor } }'), 200, 200, 'BAD_USER_INPUT'],
  ['an array', `[${typename}]`, 400, 400, 'BAD_USER_INPUT'],
  ['no JSON', '{"query": ', 400, 400, 'BAD_USER_INPUT'],
  ['a query that is a number', '{"query": 7}', 400, 400, 'BAD_USER_INPUT'],
];

for (const [name, body, old, now, code] of rows) {
  for (const [accept, type, status] of [['*/*', 'application/json', old], ['application/json', 'application/json', old], [`${modern}, application/json`, modern, now], [`${modern},application/json;q=0.9`, modern, now]]) {
    test(`${name}, to a client that accepts ${accept}`, async () => {
      const got = await send(body, { accept });
      assert.deepEqual([got.status, got.type, got.json?.errors?.[0].extensions?.code ?? null], [status, type, code], got.text);
      assert.match(got.headers.get('cache-control'), /no-store/);
      assert.match(got.headers.get('vary'), /accept-encoding/i);
    });
  }
}

test('who is not signed in gets 401 in both types', async () => {
  for (const authorization of ['', 'Bearer', 'Bearer nothing', `Basic ${btoa('a:b')}`, `Bearer ${token}x`]) {
    for (const [accept, type] of [['application/json', 'application/json'], [modern, modern]]) {
      const got = await send(typename, { accept, authorization });
      assert.deepEqual([got.status, got.type, got.json?.errors?.[0].extensions.code], [401, type, 'UNAUTHENTICATED'], `${authorization}: ${got.text}`);
    }
  }
});

test('what is neither POST nor JSON is refused by its status', async () => {
  const get = await fetch(`${endpoint}?query=${encodeURIComponent('mutation { cancelOrder(order_id: "1") { order_id } }')}`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(get.status, 405);
  assert.match(get.headers.get('allow') ?? '', /POST/);
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/graphql', 'multipart/form-data; boundary=x']) {
    assert.equal((await send(typename, { 'content-type': type })).status, 415, type);
  }
  assert.equal((await send(typename, { 'content-type': 'application/json; charset=utf-8' })).status, 200);
});

test('a persisted query without its text is refused by its name', async () => {
  const body = JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: 'ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38' } } });
  const got = await send(body);
  assert.match(got.text, /Persisted ?Query ?Not ?(Supported|Found)/i);
  assert.equal((await send(query('{ __typename }', { extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } } }))).status, 200);
});

test('an answer is packed for whom accepts that, and only then', async () => {
  const ask = (encoding) => new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...(encoding && { 'accept-encoding': encoding }) };
    const sent = plain(endpoint, { method: 'POST', headers }, async (answer) => {
      const chunks = [];
      for await (const chunk of answer) chunks.push(chunk);
      resolve({ encoding: answer.headers['content-encoding'], bytes: Buffer.concat(chunks) });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ query: big, variables: { order, size: 10_000 * 5 * 1024 * 1024 } }));
  });
  const { order_id: order } = await begin(request, unique('Parts '));
  const big = 'mutation ($order: ID!, $size: Float) { initializeUpload(order_id: $order, asset_type: "xyz", upload_type: "multi", total_parts: 10000, size_bytes: $size) { asset_id part_urls } }';
  const packed = await ask('gzip, deflate');
  assert.equal(packed.encoding, 'gzip');
  assert.ok(packed.bytes.length < 2_000_000, `${packed.bytes.length} bytes`);
  const { data } = JSON.parse(gunzipSync(packed.bytes));
  assert.equal(data.initializeUpload.part_urls.length, 10_000);
  assert.equal(new Set(data.initializeUpload.part_urls.map((p) => p.signedUrl)).size, 10_000);

  const before = (await request('query ($id: ID!) { order(order_id: $id) { assets { asset_id } } }', { id: order })).order.assets.length;
  const unpacked = await ask();
  const [error] = JSON.parse(unpacked.bytes).errors;
  assert.equal(error.extensions.code, 'BAD_USER_INPUT');
  assert.match(error.message, /first/);
  const now = (await request('query ($id: ID!) { order(order_id: $id) { assets { asset_id } } }', { id: order })).order.assets.length;
  assert.equal(now, before, 'the refused one left nothing behind');
  const page = await upload(request, order, { mode: 'multi', parts: 10_000, first: 100 });
  assert.equal(page.part_urls.length, 100);
  const { reissueUpload: next } = await request(
    'mutation ($id: ID!, $after: String) { reissueUpload(asset_id: $id, after: $after, first: 50) { part_urls next_cursor } }',
    { id: page.asset_id, after: page.next_cursor });
  assert.deepEqual([next.part_urls[0].PartNumber, next.part_urls.length], [101, 50]);
});

test('graphql-request throws each code where a program can read it', async () => {
  for (const [ask, text, code] of [
    [request, '{ nothing }', 'BAD_USER_INPUT'],
    [request, JSON.parse(missing).query, 'NOT_FOUND'],
    [await connectOrders('nothing'), '{ __typename }', 'UNAUTHENTICATED'],
    [await connectOrders(await signIn('read')), 'mutation { initializeOrder(order_name: "x", product: "areaplan") { order_id } }', 'FORBIDDEN'],
  ]) {
    assert.equal((await refusal(ask(text))).code, code);
  }
});

test('Apollo shows each code, and takes part_urls without a selection', async () => {
  const { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } = await installed('@apollo/client');
  const client = new ApolloClient({ link: new HttpLink({ uri: endpoint, headers: { authorization: `Bearer ${token}` } }), cache: new InMemoryCache() });
  const mutate = async (text, variables) => (await client.mutate({ mutation: gql(text), variables })).data;
  const { initializeOrder: order } = await mutate(
    'mutation Begin($name: String!, $metadata: JSON) { initializeOrder(order_name: $name, product: "areaplan", metadata: $metadata) { order_id metadata } }',
    { name: unique('Apollo '), metadata: { a: [1, { b: null }] } });
  assert.deepEqual([order.__typename, order.metadata], ['Order', { a: [1, { b: null }] }]);
  const { initializeUpload: begun } = await mutate(
    'mutation Upload($id: ID!) { initializeUpload(order_id: $id, asset_type: "xyz", upload_type: "multi", total_parts: 2) { asset_id part_urls upload_id } }',
    { id: order.order_id });
  assert.deepEqual(begun.part_urls.map((p) => Object.keys(p)), [['PartNumber', 'signedUrl'], ['PartNumber', 'signedUrl']]);
  for (const [text, code] of [
    [`query { order(order_id: "${nobody}") { order_id } }`, 'NOT_FOUND'],
    ['query { orders(first: 0) { next_cursor } }', 'BAD_USER_INPUT'],
    ['query { nothing }', 'BAD_USER_INPUT'],
  ]) {
    const error = await client.query({ query: gql(text) }).then(() => assert.fail(text), (e) => e);
    assert.ok(CombinedGraphQLErrors.is(error), `${text}: ${error}`);
    assert.equal(error.errors[0].extensions.code, code);
  }
});

test('the token endpoint takes the secret in the header, in the body and in both', async () => {
  const json = { 'content-type': 'application/json' };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const header = { authorization: basic(clientID, clientSecret) };
  const both = { client_id: clientID, client_secret: clientSecret, grant_type: 'client_credentials' };
  for (const [name, headers, body] of [
    ['both, as documented', { ...header, ...json }, JSON.stringify(both)],
    ['the header alone', { ...header, ...json }, '{"grant_type": "client_credentials"}'],
    ['the body alone', json, JSON.stringify(both)],
    ['a form', form, new URLSearchParams(both).toString()],
    ['a form and the header', { ...header, ...form }, 'grant_type=client_credentials'],
  ]) {
    const got = await authenticate(headers, body);
    assert.deepEqual([got.status, got.json.token_type, typeof got.json.access_token], [200, 'Bearer', 'string'], `${name}: ${JSON.stringify(got.json)}`);
    assert.ok(got.json.expires_in > 3_500 && got.json.expires_in <= 3_600);
    assert.match(got.headers.get('cache-control'), /no-store/);
  }
  for (const [name, headers, body, status, code] of [
    ['no client', json, '{"grant_type": "client_credentials"}', 401, 'invalid_client'],
    ['a wrong secret', json, JSON.stringify({ ...both, client_secret: 'x' }), 401, 'invalid_client'],
    ['two secrets that differ', { ...header, ...json }, JSON.stringify({ ...both, client_secret: 'x' }), 400, 'invalid_request'],
    ['another grant', json, JSON.stringify({ ...both, grant_type: 'password' }), 400, 'unsupported_grant_type'],
    ['no grant', json, JSON.stringify({ client_id: clientID, client_secret: clientSecret }), 400, 'invalid_request'],
    ['an unknown scope', json, JSON.stringify({ ...both, scope: 'admin' }), 400, 'invalid_scope'],
    ['a parameter twice', form, `${new URLSearchParams(both)}&grant_type=client_credentials`, 400, 'invalid_request'],
    ['a member twice', json, JSON.stringify(both).replace('{', '{"grant_type": "client_credentials", '), 400, 'invalid_request'],
    ['no JSON', json, '{', 400, 'invalid_request'],
  ]) {
    const got = await authenticate(headers, body);
    assert.deepEqual([got.status, got.json?.error], [status, code], `${name}: ${JSON.stringify(got.json)}`);
    if (status === 401) assert.match(got.headers.get('www-authenticate') ?? '', /^Basic/);
    assert.match(got.headers.get('cache-control'), /no-store/);
  }
});

test('a revoked token is refused, and others are revoked in vain', async () => {
  const mine = await signIn(); // and not used before, or warm functions would know it for 30 s
  const headers = { authorization: basic(clientID, clientSecret), 'content-type': 'application/x-www-form-urlencoded' };
  for (const revoked of ['unknown', mine, mine]) {
    assert.equal((await authenticate(headers, new URLSearchParams({ token: revoked }).toString(), 'revoke')).status, 200);
  }
  assert.equal((await authenticate({ 'content-type': 'application/x-www-form-urlencoded' }, `token=${token}`, 'revoke')).status, 401);
  const own = await connectOrders(mine);
  assert.deepEqual(await refusal(own('{ __typename }')).then(({ status, code }) => [status, code]), [401, 'UNAUTHENTICATED']);
  assert.deepEqual(await request('{ __typename }'), { __typename: 'Query' });
});

test('errors of the paths beside it keep the form of the API', async () => {
  const got = await fetch(`${api}/v1/nothing`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(got.status, 404);
});
