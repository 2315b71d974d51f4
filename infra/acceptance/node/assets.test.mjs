// The life of an asset through the SDK: create, form, complete, retrieve, retry, delete.
import { test } from 'node:test';
import { FLORA, api, assert, assertNoRetries, connect, html, key, media, put, refused, reserve, send, sha256, unique, until, workspace } from './harness.mjs';

// All fields of the published contract, and after them ours.
const allRetrieved = [
  'asset_id', 'content_type', 'created_at', 'description', 'failure_message', 'height', 'name', 'size_bytes', 'status',
  'upload_content_type', 'uploaded_via', 'url', 'width', 'workspace_id',
].concat('checksum', 'etag', 'folder_id', 'progress').sort();

test('a signed upload is reserved, filled, completed and read', async () => {
  const { client, sent } = connect();
  const bytes = await media('picture.png');
  const created = await reserve(client, { file_name: 'Été 🏖.png', content_type: 'image/png' });
  assert.match(created.asset_id, /^asset_\S+$/);
  assert.equal(created.status, 'pending_upload');
  assert.equal(created.uploaded_via, 'signed_url');
  assert.equal(created.visibility, 'workspace');
  assert.equal(created.workspace_id, workspace);
  assert.ok(Date.parse(created.expires_at) > Date.now(), `expires_at is ${created.expires_at}`);
  assert.equal(created.upload.method, 'POST');
  assert.equal(created.upload.content_type, 'multipart/form-data');
  assert.equal(created.upload.file_field, 'file');
  assert.equal(created.upload_url, created.upload.url);
  for (const [k, v] of Object.entries(created.upload.form_fields)) assert.equal(typeof v, 'string', k);

  const before = await client.assets.retrieve(created.asset_id);
  assert.deepEqual(Object.keys(before).sort(), allRetrieved);
  assert.equal(before.status, 'pending_upload');
  assert.equal(before.name, 'Été 🏖.png');
  assert.equal(before.upload_content_type, 'image/png');
  assert.equal(before.width, null);
  assert.equal((await fetch(created.url)).status, 404, 'the link answers before there is anything');

  const answer = await send(created.upload, bytes, 'x.png', 'image/png');
  assert.ok(answer.ok, `the bucket answered ${answer.status}: ${await answer.text()}`);
  const completed = await client.assets.complete(created.asset_id);
  assert.equal(completed.status, 'ready');
  assert.equal(completed.failure_message ?? null, null);
  assert.ok(!('uploaded_via' in completed), 'the answer to complete has no uploaded_via');

  const ready = await client.assets.retrieve(created.asset_id);
  assert.deepEqual(Object.keys(ready).sort(), allRetrieved);
  const { content_type, height, name, size_bytes, status, uploaded_via, width } = ready;
  assert.deepEqual(
    { content_type, height, name, size_bytes, status, uploaded_via, width },
    { content_type: 'image/png', height: 427, name: 'Été 🏖.png', size_bytes: bytes.length, status: 'ready', uploaded_via: 'signed_url', width: 640 },
  );
  assert.ok(Math.abs(Date.parse(ready.created_at) - Date.now()) < 120_000, `created_at is ${ready.created_at}`);
  assert.equal(ready.url, created.url, 'the link is stable');

  const read = await fetch(ready.url);
  assert.equal(read.status, 200);
  assert.equal(read.headers.get('content-type'), 'image/png');
  assert.match(read.headers.get('content-disposition') ?? '', /filename\*=UTF-8''%C3%89t%C3%A9/i);
  assert.equal(sha256(Buffer.from(await read.arrayBuffer())), sha256(bytes));
  const head = await fetch(ready.url, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-length'), String(bytes.length));
  assertNoRetries(sent);
});

test('an upload becomes ready without complete, because its bytes arrived', async () => {
  const { client } = connect();
  const created = await reserve(client, { content_type: 'image/jpeg' });
  assert.ok((await send(created.upload, await media('picture.jpg'), 'x.jpg', 'image/jpeg')).ok);
  const ready = await until(() => client.assets.retrieve(created.asset_id), (a) => a.status !== 'pending_upload', 'the upload');
  assert.equal(ready.status, 'ready', ready.failure_message);
});

test('complete and retry may be repeated, and a conflict is one request', async () => {
  const { client, sent } = connect();
  const waiting = await reserve(client, { content_type: 'image/png' });
  sent.length = 0;
  const early = await refused(client.assets.complete(waiting.asset_id), FLORA.ConflictError, 'conflict');
  assert.equal(early.headers.get('x-should-retry'), 'false');
  await refused(client.assets.retry(waiting.asset_id), FLORA.ConflictError, 'conflict');
  assert.equal(sent.length, 2, `a conflict was repeated: ${JSON.stringify(sent)}`);
  assert.equal((await client.assets.retrieve(waiting.asset_id)).status, 'pending_upload');

  const ready = await put(client, 'picture.gif', 'image/gif');
  assert.equal(ready.status, 'ready');
  sent.length = 0;
  assert.deepEqual(await client.assets.complete(ready.asset_id), ready);
  await refused(client.assets.retry(ready.asset_id), FLORA.ConflictError, 'conflict');
  assert.equal(sent.length, 2, `a conflict was repeated: ${JSON.stringify(sent)}`);
});

test('a page in disguise fails, and a retry takes good bytes', async () => {
  const { client, sent } = connect();
  const created = await reserve(client, { content_type: 'image/png', file_name: 'cat.png' });
  assert.ok((await send(created.upload, html, 'cat.png', 'image/png')).ok);
  const failed = await client.assets.complete(created.asset_id);
  assert.equal(failed.status, 'failed');
  assert.ok(failed.failure_message?.length > 10, `failure_message is ${failed.failure_message}`);
  assert.equal((await client.assets.complete(created.asset_id)).status, 'failed');
  const seen = await client.assets.retrieve(created.asset_id);
  assert.equal(seen.status, 'failed');
  assert.equal(seen.failure_message, failed.failure_message);
  assert.equal((await fetch(created.url)).status, 404, 'a failed asset has no bytes to show');

  const again = await client.assets.retry(created.asset_id);
  assert.equal(again.status, 'pending_upload');
  assert.notDeepEqual(again.upload.form_fields, created.upload.form_fields, 'the grant is the old one');
  assert.ok(Date.parse(again.expires_at) > Date.now());
  const good = await media('picture.png');
  assert.ok((await send(again.upload, good, 'cat.png', 'image/png')).ok);
  const ready = await client.assets.complete(created.asset_id);
  assert.equal(ready.status, 'ready', ready.failure_message);
  assert.equal(ready.asset_id, created.asset_id);

  await send(created.upload, html, 'cat.png', 'image/png'); // the first grant again: accepted or not, it must change nothing
  await send(again.upload, html, 'cat.png', 'image/png'); // and so must the second
  const read = await fetch(created.url);
  assert.equal(sha256(Buffer.from(await read.arrayBuffer())), sha256(good));
  assert.equal((await client.assets.retrieve(created.asset_id)).size_bytes, good.length);
  assertNoRetries(sent);
});

test('a cut picture fails', async () => {
  const { client } = connect();
  const created = await reserve(client, { content_type: 'image/png' });
  assert.ok((await send(created.upload, (await media('picture.png')).subarray(0, 900), 'x.png', 'image/png')).ok);
  const failed = await client.assets.complete(created.asset_id);
  assert.equal(failed.status, 'failed');
  assert.ok(failed.failure_message);
});

test('a changed form is refused by the bucket', async () => {
  const { client } = connect();
  const created = await reserve(client, { content_type: 'image/png' });
  const bytes = await media('picture.png');
  const tampered = { ...created.upload, form_fields: { ...created.upload.form_fields, key: 'elsewhere/source' } };
  assert.equal((await send(tampered, bytes, 'x.png', 'image/png')).status, 403);
  await refused(client.assets.complete(created.asset_id), FLORA.ConflictError, 'conflict');
});

test('every kind of media is measured', async () => {
  const { client } = connect();
  for (const [name, type, width, height] of [
    ['picture.jpg', 'image/jpeg', 640, 427],
    ['turned-6.jpg', 'image/jpeg', 427, 640],
    ['picture.gif', 'image/gif', 640, 427],
    ['lossy.webp', 'image/webp', 640, 427],
    ['picture.avif', 'image/avif', 640, 427],
    ['picture.heic', 'image/heic', 640, 427],
    ['moov-last.mp4', 'video/mp4', 320, 180],
    ['film.mov', 'video/quicktime', 320, 180],
  ]) {
    const done = await put(client, name, type);
    assert.equal(done.status, 'ready', `${name}: ${done.failure_message}`);
    const a = await client.assets.retrieve(done.asset_id);
    const got = { name, type: a.content_type, width: a.width, height: a.height };
    assert.deepEqual(got, { name, type, width, height });
  }
  for (const [name, type] of [['film.webm', 'video/webm'], ['sound.mp3', 'audio/mpeg'], ['sound.wav', 'audio/wav'], ['vorbis.ogg', 'audio/ogg'], ['document.pdf', 'application/pdf']]) {
    const done = await put(client, name, type);
    assert.equal(done.status, 'ready', `${name}: ${done.failure_message}`);
  }
});

test('type and name are optional, and the bytes tell the type', async () => {
  const { client } = connect();
  const created = await reserve(client);
  const before = await client.assets.retrieve(created.asset_id);
  assert.equal(before.content_type, 'application/octet-stream');
  assert.equal(before.upload_content_type, null);
  assert.equal(before.name, null);
  assert.ok((await send(created.upload, await media('lossy.webp'), 'blob', '')).ok);
  assert.equal((await client.assets.complete(created.asset_id)).status, 'ready');
  assert.equal((await client.assets.retrieve(created.asset_id)).content_type, 'image/webp');
});

test('a deleted asset is gone, and stays gone', async () => {
  const { client } = connect();
  const ready = await put(client, 'picture.png', 'image/png');
  const remove = () => fetch(`${api}/api/v1/assets/${ready.asset_id}`, { method: 'DELETE', headers: { authorization: `Bearer ${key}` } });
  assert.equal((await remove()).status, 204);
  assert.equal((await remove()).status, 204);
  await refused(client.assets.retrieve(ready.asset_id), FLORA.NotFoundError, 'not_found');
  assert.equal((await fetch(ready.url)).status, 404);

  const waiting = await reserve(client, { content_type: 'image/png' });
  const gone = await fetch(`${api}/api/v1/assets/${waiting.asset_id}`, { method: 'DELETE', headers: { authorization: `Bearer ${key}` } });
  assert.equal(gone.status, 204);
  await send(waiting.upload, await media('picture.png'), 'x.png', 'image/png'); // late bytes of its grant
  await refused(client.assets.complete(waiting.asset_id), FLORA.NotFoundError, 'not_found');
  await refused(client.assets.retrieve(waiting.asset_id), FLORA.NotFoundError, 'not_found');
});

test('an asset can be put into a folder by a name that does not exist yet', async () => {
  const { client } = connect();
  const created = await reserve(client, { folder: unique('Campaign '), content_type: 'image/png' });
  assert.equal(created.status, 'pending_upload');
});
