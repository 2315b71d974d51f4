// The SDK through `sam local start-api`, where functions run in containers: uploads by both ways, the bucket's own event, reading back,
// and refusals. "go test ./infra/sam" runs it. SAM follows no stream, so nothing here waits for the search index or a webhook.
import { test } from 'node:test';
import { FLORA, assert, assertNoRetries, connect, file, html, media, refused, reserve, send, sha256, until, workspace } from './harness.mjs';

async function assertBytes(asset, name) {
  const read = await fetch(asset.url);
  assert.equal(read.status, 200);
  assert.equal(sha256(Buffer.from(await read.arrayBuffer())), sha256(await media(name)), `${name} came back changed`);
}

for (const [name, type, via] of [
  ['picture.png', 'image/png', 'direct'],
  ['large.png', 'image/png', 'signed_url'],
]) {
  test(`upload takes ${name}, and its link gives it back`, async () => {
    const { client, sent } = connect();
    const asset = await client.assets.upload(await file(name, type), { workspace_id: workspace });
    assertNoRetries(sent);
    assert.deepEqual([asset.status, asset.name, asset.content_type, asset.uploaded_via], ['ready', name, type, via]);
    assert.equal(asset.size_bytes, (await media(name)).length);
    await assertBytes(asset, name);
    assert.equal((await client.assets.retrieve(asset.asset_id)).status, 'ready');
    const { assets } = await client.assets.list({ workspace_id: workspace, limit: 1 });
    assert.deepEqual(assets.map((a) => a.asset_id), [asset.asset_id]);
  });
}

test('bytes become ready by the event of the bucket, without complete', async () => {
  const { client } = connect();
  const created = await reserve(client, { file_name: 'picture.jpg', content_type: 'image/jpeg' });
  assert.equal(created.status, 'pending_upload');
  assert.equal((await send(created.upload, await media('picture.jpg'), 'picture.jpg', 'image/jpeg')).status, 204);
  const asset = await until(() => client.assets.retrieve(created.asset_id), (a) => a.status !== 'pending_upload', 'the asset');
  assert.deepEqual([asset.status, asset.content_type], ['ready', 'image/jpeg']);
  await assertBytes(asset, 'picture.jpg');
});

test('upload throws on a page that calls itself a picture', async () => {
  const { client } = connect();
  await assert.rejects(client.assets.upload(new File([html], 'cat.png', { type: 'image/png' }), { workspace_id: workspace }), FLORA.BadRequestError);
});

test('errors keep their form on the way through the gateway', async () => {
  const { client } = connect();
  await refused(client.assets.retrieve('asset_019b8d62-7a80-7000-8000-000000000000'), FLORA.NotFoundError, 'not_found');
  await refused(connect({ apiKey: 'sk_live_nobody' }).client.assets.list({ workspace_id: workspace }), FLORA.AuthenticationError, 'invalid_api_key');
});
