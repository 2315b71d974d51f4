// What the scripts about orders start from: tokens, the published GraphQL clients, a scan, and a server for links and webhooks.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { api, assert, installed, need, until } from './harness.mjs';

export const clientID = need('ASSETRY_CLIENT_ID');
export const clientSecret = need('ASSETRY_CLIENT_SECRET');
export const endpoint = `${api}/v1/graphql`;
export const { GraphQLClient, ClientError } = await installed('graphql-request');

export const basic = (id, secret) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

// authenticate sends a request to the token endpoint, or to that of revocation.
export async function authenticate(headers, body, path = 'token') {
  const answer = await fetch(`${api}/v1/authentication/${path}`, { method: 'POST', headers, body });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, json: text && JSON.parse(text) };
}

// signIn asks for a token as the documentation shows: the client's secret in the header and in the body.
export async function signIn(scope) {
  const body = { client_id: clientID, client_secret: clientSecret, grant_type: 'client_credentials', ...(scope && { scope }) };
  const answer = await authenticate(
    { authorization: basic(clientID, clientSecret), 'content-type': 'application/json' }, JSON.stringify(body),
  );
  assert.equal(answer.status, 200, JSON.stringify(answer.json));
  return answer.json.access_token;
}

// connectOrders gives graphql-request, unmodified, under a token.
export async function connectOrders(token) {
  const client = new GraphQLClient(endpoint, { headers: { authorization: `Bearer ${token ?? await signIn()}` } });
  return (query, variables) => client.request(query, variables);
}

// refusal runs a request that must be refused, and gives the first error of its answer.
export async function refusal(call) {
  const error = await call.then((answer) => assert.fail(`accepted: ${JSON.stringify(answer)}`), (e) => e);
  assert.ok(error instanceof ClientError, String(error));
  assert.ok(error.response.errors?.length > 0, JSON.stringify(error.response));
  const [first] = error.response.errors;
  return { status: error.response.status, code: first.extensions?.code, path: first.path, message: first.message };
}

// put sends bytes to an address of the bucket with no header of ours, and gives the ETag of the answer.
export async function put(url, bytes) {
  const answer = await fetch(url, { method: 'PUT', body: bytes });
  assert.ok(answer.ok, `the bucket answered ${answer.status}: ${await answer.text()}`);
  return answer.headers.get('etag');
}

export const session = `asset_id order_id asset_type upload_type upload_url expires_in part_urls upload_id upload_status
  part_count parts_received next_cursor`;

export const order = `order_id order_name created order_status product estimated_sqft address model_units metadata version failure_reason
  problems { path message } assets { asset_id asset_type upload_status } deliverables { asset_id asset_name content_type size_bytes upload_status }`;

// begin makes an order.
export async function begin(request, name, more = {}) {
  const variables = { name, units: 'METRIC', ...more };
  const { initializeOrder } = await request(
    `mutation ($name: String!, $units: String, $metadata: JSON) {
       initializeOrder(order_name: $name, product: "areaplan", model_units: $units, metadata: $metadata) { ${order} }
     }`, variables);
  return initializeOrder;
}

// upload begins an input of an order.
export async function upload(request, orderID, more) {
  const { initializeUpload } = await request(
    `mutation ($order: ID!, $type: String!, $mode: String!, $parts: Int, $url: String, $size: Float, $first: Int) {
       initializeUpload(order_id: $order, asset_type: $type, upload_type: $mode, total_parts: $parts, url: $url, size_bytes: $size, first: $first) {
         ${session}
       }
     }`, { order: orderID, type: 'xyz', ...more });
  return initializeUpload;
}

// finish says that the bytes of an input are there.
export async function finish(request, { asset_id: asset, order_id: of, upload_id: id }, parts) {
  const { finalizeUpload } = await request(
    `mutation ($asset: ID!, $of: ID, $id: String, $parts: [UploadPartInput!]) {
       finalizeUpload(asset_id: $asset, order_id: $of, upload_id: $id, parts: $parts) { ${session} }
     }`, { asset, of, id, parts });
  return finalizeUpload;
}

// submit finalizes an order.
export async function submit(request, orderID) {
  return (await request(`mutation ($id: ID!) { finalizeOrder(order_id: $id) { ${order} } }`, { id: orderID })).finalizeOrder;
}

// look reads an order.
export async function look(request, orderID) {
  return (await request(`query ($id: ID!) { order(order_id: $id) { ${order} } }`, { id: orderID })).order;
}

// ends waits until an order is where nothing happens by itself any more. It asks no more often than the limit of an hour bears.
export function ends(request, orderID) {
  return until(() => look(request, orderID), (o) => !['UPLOADING', 'PROCESSING'].includes(o.order_status), `order ${orderID}`, { limit: 90_000, pause: 500 });
}

// download reads an asset by its download link.
export async function download(request, assetID) {
  const { initializeDownload: d } = await request(
    'mutation ($id: ID!) { initializeDownload(asset_id: $id) { asset_id download_url expires_in } }', { id: assetID });
  assert.equal(d.asset_id, assetID);
  const answer = await fetch(d.download_url);
  assert.equal(answer.status, 200, d.download_url);
  return { ...d, disposition: answer.headers.get('content-disposition'), bytes: Buffer.from(await answer.arrayBuffer()) };
}

// room is the scan that the Go test made: a room of about 30 MB.
export const room = () => readFile(need('ASSETRY_ROOM'));

// aFew gives the first lines of a scan, as a small scan of its own.
export function aFew(scan, lines = 20_000) {
  let end = 0;
  for (let n = 0; n < lines; n++) end = scan.indexOf('\n', end) + 1;
  return scan.subarray(0, end);
}

// ownServer listens on loopback: GET gives a file by its path, POST takes an event of a webhook.
export async function ownServer(files) {
  const received = [];
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      let body = '';
      for await (const chunk of request) body += chunk;
      received.push({ headers: request.headers, body });
      return response.writeHead(204).end();
    }
    const file = files[new URL(request.url, 'http://here').pathname];
    if (!file) return response.writeHead(404).end();
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const [from, to] = range ? [Number(range[1]), Math.min(Number(range[2]), file.length - 1)] : [0, file.length - 1];
    response.writeHead(range ? 206 : 200, {
      etag: '"one"', 'accept-ranges': 'bytes', 'content-length': to - from + 1,
      ...(range && { 'content-range': `bytes ${from}-${to}/${file.length}` }),
    });
    return response.end(request.method === 'HEAD' ? undefined : file.subarray(from, to + 1));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, received, close: () => server.close() };
}
