// The SDK's upload helper, from 0.9 on: it picks the way in by size and waits until the asset is ready.
import { createReadStream } from 'node:fs';
import { test } from 'node:test';
import { FLORA, assert, assertNoRetries, connect, file, html, media, mediaPath, sha256, unique, until, workspace } from './harness.mjs';

const direct = ['POST /api/v1/assets 201', 'GET /api/v1/assets/ID 200'];
const signed = ['POST /api/v1/assets 201', 'POST BUCKET', 'POST /api/v1/assets/ID/complete 200', 'GET /api/v1/assets/ID 200'];

function steps(sent) {
  return sent.map((s) =>
    s.path.startsWith('/api/') ? `${s.method} ${s.path.replace(/asset_[^/]+/, 'ID')} ${s.status}` : `${s.method} BUCKET`,
  );
}

async function assertBytes(asset, name) {
  const read = await fetch(asset.url);
  assert.equal(read.status, 200);
  assert.equal(sha256(Buffer.from(await read.arrayBuffer())), sha256(await media(name)), `${name} came back changed`);
}

for (const [name, type, way, width, height] of [
  ['picture.png', 'image/png', direct, 640, 427],
  ['picture.heic', 'image/heic', direct, 640, 427],
  ['edge.png', 'image/png', direct, 1200, 1150],
  ['large.png', 'image/png', signed, null, null],
  ['large-film.mp4', 'video/mp4', signed, 1280, 720],
]) {
  test(`upload takes ${name}`, async () => {
    const { client, sent } = connect();
    const asset = await client.assets.upload(await file(name, type), { workspace_id: workspace });
    assert.deepEqual(steps(sent), way);
    assertNoRetries(sent);
    assert.equal(asset.status, 'ready');
    assert.equal(asset.name, name);
    assert.equal(asset.content_type, type);
    assert.equal(asset.uploaded_via, way === direct ? 'direct' : 'signed_url');
    assert.equal(asset.size_bytes, (await media(name)).length);
    if (width) assert.deepEqual([asset.width, asset.height], [width, height]);
    await assertBytes(asset, name);
  });
}

test('upload takes a path and a stream, which say no type', async () => {
  const { client, sent } = connect();
  for (const [source, name] of [
    [mediaPath('picture.jpg'), 'picture.jpg'],
    [createReadStream(mediaPath('lossy.webp')), 'lossy.webp'],
    [mediaPath('large.png'), 'large.png'],
  ]) {
    const asset = await client.assets.upload(source, { workspace_id: workspace });
    assert.equal(asset.status, 'ready');
    assert.equal(asset.name, name);
    assert.match(asset.content_type, /^image\/(jpeg|webp|png)$/);
    await assertBytes(asset, name);
  }
  assertNoRetries(sent);
});

test('upload passes name, type, folder and project on, small and large', async () => {
  const { client } = connect();
  const project = await client.projects.create({ name: unique('Upload '), workspace_id: workspace });
  const folder = await client.workspaces.library.folders.create(workspace, { name: unique('Upload ') });
  const more = { workspace_id: workspace, project_id: project.project_id, folder: folder.folder_id };
  const small = await client.assets.upload(await file('picture.png', ''), { ...more, file_name: 'Kleines Bild.png', content_type: 'image/png' });
  const large = await client.assets.upload(await file('large.png', 'image/png'), { ...more, file_name: '大きい.png' });
  assert.deepEqual([small.name, small.upload_content_type], ['Kleines Bild.png', 'image/png']);
  assert.deepEqual([large.name, large.upload_content_type], ['大きい.png', 'image/png']);
  const { assets } = await until(
    () => client.assets.list({ project_id: project.project_id }), (page) => page.assets.length === 2, 'the list of the project',
  );
  assert.deepEqual(assets.map((a) => a.asset_id), [large.asset_id, small.asset_id]);
});

test('upload throws on a page that calls itself a picture, by both ways', async () => {
  const { client, sent } = connect();
  for (const size of [html.length, 4 * 1024 * 1024 + 1]) {
    const page = new File([html.padEnd(size)], 'cat.png', { type: 'image/png' });
    await assert.rejects(client.assets.upload(page, { workspace_id: workspace }), FLORA.FLORAError);
  }
  assertNoRetries(sent);
});

test('upload throws on a link that may not be followed, or that leads nowhere, with the reason', async () => {
  const { client } = connect();
  for (const link of ['http://example.com/cat.png', 'https://127.0.0.1/cat.png']) {
    await assert.rejects(client.assets.upload(link, { workspace_id: workspace }), FLORA.BadRequestError);
  }
  await assert.rejects(client.assets.upload('https://nowhere.invalid/cat.png?secret=x', { workspace_id: workspace, pollIntervalMs: 50 }), (error) => {
    assert.match(error.message, /nowhere\.invalid/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

test('a direct upload without its workspace is refused', async () => {
  const { client } = connect();
  await assert.rejects(client.assets.upload(await file('picture.png', 'image/png'), {}), FLORA.BadRequestError);
});
