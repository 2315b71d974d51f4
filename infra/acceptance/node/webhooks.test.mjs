// Webhooks from outside: a server of a user's own, and the library that Standard Webhooks publishes, unmodified.
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { api, assert, connect, installed, key, put, until, workspace } from './harness.mjs';

const { Webhook } = await installed('standardwebhooks');

const received = [];
let status = 204;
let server;
let address;

before(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push({ headers: request.headers, body });
    response.writeHead(status).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${server.address().port}/hooks?shop=7`;
});

after(() => server.close());

// call sends JSON to a path of the workspace's webhooks.
async function call(method, path = '', body) {
  const response = await fetch(`${api}/api/v1/workspaces/${workspace}/webhooks${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  return { status: response.status, ...(await response.json()) };
}

// next waits for the request that tells of an asset.
async function next(type, assetID) {
  const found = () => received.find((r) => r.body.includes(`"${type}"`) && r.body.includes(assetID.replace('asset_', '')));
  await until(async () => received.length, () => found(), `${type} of ${assetID}`);
  return found();
}

test('events are sent, signed, once, in the order of the asset', async () => {
  const hook = await call('POST', '', { url: address, description: 'the shop' });
  assert.equal(hook.status, 201, JSON.stringify(hook));
  const receiver = new Webhook(hook.secret);
  const { client } = connect();
  const asset = await put(client, 'picture.gif', 'image/gif');
  const ready = await next('asset.ready', asset.asset_id);
  const event = receiver.verify(ready.body, ready.headers);
  assert.equal(event.type, 'asset.ready');
  assert.equal(event.data.asset_id, asset.asset_id.replace('asset_', ''));
  assert.equal(event.data.event_id, ready.headers['webhook-id']);
  assert.throws(() => receiver.verify(ready.body.replace('ready', 'ruined'), ready.headers));
  assert.throws(() => new Webhook('whsec_' + Buffer.alloc(32, 7).toString('base64')).verify(ready.body, ready.headers));

  await fetch(`${api}/api/v1/assets/${asset.asset_id}`, { method: 'DELETE', headers: { authorization: `Bearer ${key}` } });
  const deleted = await next('asset.deleted', asset.asset_id);
  assert.ok(receiver.verify(deleted.body, deleted.headers).data.version > event.data.version);

  const done = await until(
    () => call('GET', `/${hook.webhook_id}/deliveries`),
    (page) => page.deliveries.length === 2 && page.deliveries.every((d) => d.status === 'delivered'),
    'two deliveries',
  );
  assert.deepEqual(new Set(done.deliveries.map((d) => d.attempts)), new Set([1]));
  assert.equal(received.length, 2);

  const rotated = await call('POST', `/${hook.webhook_id}/rotate-secret`);
  const tested = await call('POST', `/${hook.webhook_id}/test`);
  assert.equal(tested.status, 'delivered', JSON.stringify(tested));
  const last = received.at(-1);
  for (const secret of [hook.secret, rotated.secret]) assert.equal(new Webhook(secret).verify(last.body, last.headers).type, 'webhook.test');

  status = 503;
  const second = await put(client, 'picture.gif', 'image/gif');
  await next('asset.ready', second.asset_id);
  const waiting = await until(
    async () => (await call('GET', `/${hook.webhook_id}/deliveries`)).deliveries.find((d) => d.response_status === 503),
    (delivery) => delivery,
    'the failure',
  );
  assert.equal(waiting.status, 'pending');
  assert.ok(Date.parse(waiting.next_attempt_at) > Date.now() + 30_000);

  status = 410;
  const before = received.length;
  assert.equal((await call('POST', `/${hook.webhook_id}/test`)).status, 'dead');
  const gone = await call('GET', `/${hook.webhook_id}`);
  assert.equal(gone.enabled, false);
  assert.match(gone.disabled_reason, /410/);
  assert.equal(received.length, before + 1);
  assert.equal((await call('DELETE', `/${hook.webhook_id}`)).deleted, true);
  assert.equal((await call('GET', `/${hook.webhook_id}`)).status, 404);
});

test('an address that must not be reached is refused', async () => {
  for (const url of ['http://10.0.0.1/', 'https://169.254.169.254/', 'https://user:pass@example.com/', 'ftp://example.com/', 'x'.repeat(100_000)]) {
    const refused = await call('POST', '', { url });
    assert.equal(refused.status, 400, url.slice(0, 40));
    assert.equal(refused.error.fields[0].field, 'url');
  }
});
