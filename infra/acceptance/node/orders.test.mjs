// An order from draft to delivery through graphql-request, with real bytes by all three ways, and what the other API shows of it.
import { after, before, test } from 'node:test';
import { FLORA, assert, connect, installed, media, sha256, unique, until, workspace } from './harness.mjs';
import {
  aFew, begin, connectOrders, download, ends, finish, look, ownServer, put, refusal, room, session, submit, upload,
} from './orders.mjs';

const { Webhook } = await installed('standardwebhooks');
const MiB = 1024 * 1024;

let request;
let scan;
let server;

before(async () => {
  request = await connectOrders();
  scan = await room();
  server = await ownServer({ '/small-test.xyz': aFew(scan) });
});

after(() => server.close());

// putParts sends a scan in parts of 5 MiB and gives what finalizeUpload wants of them.
async function putParts(urls, bytes) {
  const parts = [];
  for (const { PartNumber, signedUrl } of urls) {
    const ETag = await put(signedUrl, bytes.subarray((PartNumber - 1) * 5 * MiB, PartNumber * 5 * MiB));
    parts.push({ PartNumber, ETag });
  }
  return parts;
}

// events are what the webhook was sent of an order, in the order of their coming, each verified.
function events(receiver, orderID) {
  return server.received
    .filter((r) => r.body.includes(orderID))
    .map(({ body, headers }) => receiver.verify(body, headers));
}

test('an order of three scans, by link, in one piece and in parts, is delivered', async () => {
  const { createWebhook: hook } = await request(
    'mutation ($url: String!) { createWebhook(webhook_url: $url) { webhook_id webhook_url webhook_events webhook_secret created } }',
    { url: `${server.url}/hook` });
  assert.deepEqual(hook.webhook_events, ['order.updated']);
  const receiver = new Webhook(hook.webhook_secret);
  const second = await refusal(request('mutation { createWebhook(webhook_url: "https://example.com/") { webhook_id } }'));
  assert.equal(second.code, 'CONFLICT');

  const drafted = await begin(request, unique('Room '), { metadata: { job: 7, tags: ['a', null] } });
  assert.deepEqual([drafted.order_status, drafted.product, drafted.model_units], ['DRAFT', 'areaplan', 'METRIC']);
  assert.deepEqual(drafted.metadata, { job: 7, tags: ['a', null] });

  const byLink = await upload(request, drafted.order_id, { mode: 'url', url: `${server.url}/small-test.xyz` });
  assert.deepEqual([byLink.upload_type, byLink.upload_status, byLink.upload_url], ['url', 'importing', null]);

  const single = await upload(request, drafted.order_id, { mode: 'single' });
  assert.equal(single.upload_status, 'pending');
  await put(single.upload_url, aFew(scan, 5_000));
  assert.equal((await finish(request, single)).upload_status, 'ready');
  assert.equal((await finish(request, single)).upload_status, 'ready', 'a repeat answers the same');

  const count = Math.ceil(scan.length / (5 * MiB));
  assert.equal(count, 6);
  const multi = await upload(request, drafted.order_id, { mode: 'multi', parts: count });
  assert.deepEqual(multi.part_urls.map((p) => p.PartNumber), [1, 2, 3, 4, 5, 6]);
  const parts = await putParts(multi.part_urls, scan);
  const wrong = await refusal(finish(request, multi, parts.slice(0, 4)));
  assert.equal(wrong.code, 'CONFLICT');
  assert.match(wrong.message, /5.*6/s, 'the missing parts are named');
  assert.equal((await finish(request, multi, parts)).upload_status, 'ready');

  const initialized = await look(request, drafted.order_id);
  assert.equal(initialized.order_status, 'INITIALIZED');
  assert.deepEqual(initialized.assets.map((a) => a.asset_id), [byLink, single, multi].map((s) => s.asset_id));
  const submitted = await submit(request, drafted.order_id);
  assert.ok(['UPLOADING', 'PROCESSING'].includes(submitted.order_status), submitted.order_status);

  const done = await ends(request, drafted.order_id);
  assert.deepEqual([done.order_status, done.failure_reason, done.problems], ['COMPLETED', null, []]);
  assert.ok(done.version > submitted.version);
  await delivered(done, { [multi.asset_id]: scan, [single.asset_id]: aFew(scan, 5_000), [byLink.asset_id]: aFew(scan) });

  await until(async () => events(receiver, drafted.order_id).map((e) => e.order.order_status), (s) => s.includes('COMPLETED'), 'the webhook');
  const told = events(receiver, drafted.order_id);
  const last = told.at(-1);
  assert.equal(last.event, 'order.updated');
  assert.deepEqual([last.order.order_id, last.order.order_status], [drafted.order_id, 'COMPLETED']);
  assert.deepEqual(JSON.parse(last.order.metadata), { job: 7, tags: ['a', null] });
  assert.deepEqual(told.map((e) => e.order.version), told.map((e) => e.order.version).toSorted((a, b) => a - b), 'never an older one later');
  assert.equal(new Set(told.map((e) => e.order.order_status)).size, told.length, 'once per transition');
  await request('mutation ($id: ID!) { deleteWebhook(webhook_id: $id) { webhook_id } }', { id: hook.webhook_id });
});

// delivered holds what an order delivers against its scans: a report, a picture and a page of each, whose report counts the points.
async function delivered({ deliverables, assets }, scans) {
  assert.equal(deliverables.length, 3 * assets.length);
  const got = [];
  for (const d of deliverables) {
    assert.equal(d.upload_status, 'ready');
    const file = await download(request, d.asset_id);
    assert.equal(file.bytes.length, d.size_bytes);
    assert.equal(file.expires_in, 86_400);
    assert.match(file.disposition, new RegExp(`filename.*${d.asset_name.split('.').at(-1)}`));
    got.push({ ...d, bytes: file.bytes });
  }
  const reports = got.filter((d) => d.content_type === 'application/json').map((d) => JSON.parse(d.bytes));
  assert.deepEqual(new Set(reports.map((r) => r.scan.asset_id)), new Set(Object.keys(scans)));
  for (const { scan: of, units, xyz, view } of reports) {
    const bytes = scans[of.asset_id];
    assert.deepEqual([of.format, of.bytes, units.declared], ['xyz', bytes.length, 'METRIC']);
    assert.equal(xyz.points, bytes.toString('latin1').split('\n').length - 1, 'every line is a point');
    for (const name of view.files) {
      const file = got.find((d) => d.asset_name === name);
      assert.equal(sha256(file.bytes), view.sha256[name], name);
    }
  }
}

test('an input and a deliverable are assets of the workspace, and are held while the order is on its way', async () => {
  const { client } = connect();
  const drafted = await begin(request, unique('Held '));
  const ready = await upload(request, drafted.order_id, { mode: 'single' });
  await put(ready.upload_url, aFew(scan));
  await finish(request, ready);
  const seen = await client.assets.retrieve(`asset_${ready.asset_id}`);
  assert.equal(seen.status, 'ready');
  assert.equal(seen.workspace_id, workspace);
  assert.equal(sha256(Buffer.from(await (await fetch(seen.url)).arrayBuffer())), sha256(aFew(scan)));
  const { assets } = await client.assets.list({ workspace_id: workspace, limit: 1 });
  assert.deepEqual(assets.map((a) => a.asset_id), [`asset_${ready.asset_id}`]);

  const late = await upload(request, drafted.order_id, { mode: 'single' });
  assert.equal((await submit(request, drafted.order_id)).order_status, 'UPLOADING');
  const refused = await client.delete(`/assets/${seen.asset_id}`).then(() => assert.fail('deleted'), (e) => e);
  assert.ok(refused instanceof FLORA.ConflictError, String(refused));
  assert.match(String(refused), new RegExp(drafted.order_id), 'the order is named');
  const abandoned = await refusal(request('mutation ($id: ID!) { abandonUpload(asset_id: $id) { asset_id } }', { id: ready.asset_id }));
  assert.equal(abandoned.code, 'CONFLICT');

  await put(late.upload_url, aFew(scan, 1_000));
  await finish(request, late);
  const done = await ends(request, drafted.order_id);
  assert.equal(done.order_status, 'COMPLETED', done.failure_reason);
  const page = await client.assets.retrieve(`asset_${done.deliverables[0].asset_id}`);
  assert.equal(page.status, 'ready');
  await client.delete(`/assets/${seen.asset_id}`);
  assert.equal((await look(request, drafted.order_id)).order_status, 'COMPLETED');
});

test('an asset that came in by the other API becomes an input, and one that is no scan does not', async () => {
  const { client } = connect();
  const taken = await client.assets.upload(new File([aFew(scan)], 'hall.xyz', { type: 'model/x-xyz' }), { workspace_id: workspace });
  assert.equal(taken.status, 'ready');
  const attach = 'mutation ($order: ID!, $asset: ID!) { attachAsset(order_id: $order, asset_id: $asset) { order_status assets { asset_id asset_type } } }';
  const bare = (id) => id.replace('asset_', '');
  const { order_id: order } = await begin(request, unique('Attached '));
  const { attachAsset: attached } = await request(attach, { order, asset: bare(taken.asset_id) });
  assert.deepEqual(attached, { order_status: 'INITIALIZED', assets: [{ asset_id: bare(taken.asset_id), asset_type: 'xyz' }] });
  await submit(request, order);
  assert.equal((await ends(request, order)).order_status, 'COMPLETED');

  const picture = await client.assets.upload(new File([await media('picture.png')], 'picture.png', { type: 'image/png' }), { workspace_id: workspace });
  const { order_id: other } = await begin(request, unique('Picture '));
  assert.equal((await refusal(request(attach, { order: other, asset: bare(picture.asset_id) }))).code, 'CONFLICT');
  assert.equal((await look(request, other)).order_status, 'DRAFT');
});

test('the two mutations of the documentation run with their literals', async () => {
  const initializeUpload = (order, url) => `mutation { initializeUpload(order_id:"${order}", asset_type: "xyz", upload_type: "url", url: "${url}")` +
    '{ asset_id asset_type upload_url expires_in part_urls upload_id asset_type upload_url upload_type } }';
  const theirs = initializeUpload('194cce76-172b-4465-b59e-18e4ee8dd820', 'https://ip-public-docs.s3.us-east-1.amazonaws.com/test_pointclouds/small-test.xyz');
  assert.deepEqual(await refusal(request(theirs)).then(({ code, path }) => [code, path]), ['NOT_FOUND', ['initializeUpload']]);
  const theirDownload = 'mutation { initializeDownload(asset_id:"a9e270fd-c98c-4656-a030-41a9add8ea0b"){ asset_id download_url expires_in } }';
  assert.deepEqual(await refusal(request(theirDownload)).then(({ code, path }) => [code, path]), ['NOT_FOUND', ['initializeDownload']]);

  const { order_id: order } = await begin(request, unique('Literals '));
  const { initializeUpload: got } = await request(initializeUpload(order, `${server.url}/small-test.xyz`));
  const { asset_id: input, ...rest } = got;
  assert.deepEqual(rest, { asset_type: 'xyz', upload_url: null, expires_in: null, part_urls: null, upload_id: null, upload_type: 'url' });
  assert.equal((await submit(request, order)).order_status, 'UPLOADING');
  const done = await ends(request, order);
  assert.deepEqual([done.order_status, done.assets[0].asset_id], ['COMPLETED', input]);
  for (const { asset_id: asset } of done.deliverables) {
    const { initializeDownload: d } = await request(`mutation { initializeDownload(asset_id:"${asset}"){ asset_id download_url expires_in } }`);
    assert.deepEqual([d.asset_id, d.expires_in, (await fetch(d.download_url)).status], [asset, 86_400, 200]);
  }
});

test('what is begun can be changed, abandoned and cancelled', async () => {
  const drafted = await begin(request, unique('Changed '), { metadata: [1] });
  const { updateOrder: changed } = await request(
    'mutation ($id: ID!) { updateOrder(order_id: $id, estimated_sqft: 1200, address: "12 Rua das Flores", metadata: null) { estimated_sqft address metadata version } }',
    { id: drafted.order_id });
  assert.deepEqual(changed, { estimated_sqft: 1200, address: '12 Rua das Flores', metadata: null, version: drafted.version + 1 });
  const begun = await upload(request, drafted.order_id, { mode: 'multi', parts: 3 });
  assert.equal((await look(request, drafted.order_id)).order_status, 'INITIALIZED');
  const { abandonUpload: left } = await request(`mutation ($id: ID!) { abandonUpload(asset_id: $id) { ${session} } }`, { id: begun.asset_id });
  assert.equal(left.upload_status, 'abandoned');
  assert.equal((await look(request, drafted.order_id)).order_status, 'DRAFT');
  const cancel = 'mutation ($id: ID!) { cancelOrder(order_id: $id) { order_status version } }';
  const { cancelOrder: cancelled } = await request(cancel, { id: drafted.order_id });
  assert.equal(cancelled.order_status, 'CANCELLED');
  assert.deepEqual((await request(cancel, { id: drafted.order_id })).cancelOrder, cancelled, 'a repeat answers the same');
  const { orders: page } = await request('{ orders(first: 1, order_status: "CANCELLED") { orders { order_id } next_cursor } }');
  assert.deepEqual(page.orders.map((o) => o.order_id), [drafted.order_id]);
});

test('a picture that calls itself a scan is refused, and the order goes on with another', async () => {
  const drafted = await begin(request, unique('Refused '));
  const bad = await upload(request, drafted.order_id, { mode: 'single' });
  await put(bad.upload_url, await media('picture.png'));
  const failed = await finish(request, bad);
  assert.equal(failed.upload_status, 'failed');
  const refused = await refusal(submit(request, drafted.order_id));
  assert.equal(refused.code, 'BAD_USER_INPUT');
  await request('mutation ($id: ID!) { abandonUpload(asset_id: $id) { upload_status } }', { id: bad.asset_id });
  const good = await upload(request, drafted.order_id, { mode: 'single' });
  await put(good.upload_url, aFew(scan, 2_000));
  await finish(request, good);
  await submit(request, drafted.order_id);
  assert.equal((await ends(request, drafted.order_id)).order_status, 'COMPLETED');
});
