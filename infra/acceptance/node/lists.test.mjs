// Lists: order, paging by the SDK's own iterator, search, filters.
import { test } from 'node:test';
import { FLORA, assert, assertNoRetries, connect, media, put, refused, reserve, send, unique, workspace } from './harness.mjs';

const required = [
  'asset_id', 'content_type', 'created_at', 'description', 'height', 'name', 'size_bytes', 'status', 'upload_content_type', 'uploaded_via',
  'url', 'width', 'workspace_id',
];

async function collect(list) {
  const found = [];
  for await (const item of list) found.push(item);
  return found;
}

test('the iterator sees each of 250 assets once, seven at a time', async () => {
  const { client, sent } = connect();
  const project = await client.projects.create({ name: unique('Paging '), workspace_id: workspace });
  const made = [];
  for (let i = 0; i < 250; i += 10) {
    const batch = Array.from({ length: 10 }, (_, j) => reserve(client, { file_name: `${i + j}.png`, project_id: project.project_id }));
    made.push(...(await Promise.all(batch)).map((a) => a.asset_id));
  }
  sent.length = 0;
  const whole = (await collect(client.assets.list({ workspace_id: workspace, limit: 7 }))).map((a) => a.asset_id);
  assert.equal(new Set(whole).size, whole.length, 'the workspace list repeats assets');
  assert.deepEqual(made.filter((a) => !whole.includes(a)), [], 'the workspace list misses assets');
  assert.ok(sent.length <= Math.floor(whole.length / 7) + 1, `${whole.length} assets took ${sent.length} pages of seven`);

  sent.length = 0;
  const listed = await collect(client.assets.list({ project_id: project.project_id, limit: 7 }));
  assert.deepEqual(listed.map((a) => a.asset_id).sort(), [...made].sort());
  assert.equal(sent.length, 36, '250 assets are 36 pages of seven');

  const merged = await collect(client.assets.list({ limit: 100 }));
  assert.equal(new Set(merged.map((a) => a.asset_id)).size, merged.length, 'the merged list repeats assets');
  assert.deepEqual(made.filter((a) => !merged.some((m) => m.asset_id === a)), [], 'the merged list misses assets');
  assertNoRetries(sent);
});

test('a list is newest first, and tells of pending and failed assets too', async () => {
  const { client } = connect();
  const project = await client.projects.create({ name: unique('States '), workspace_id: workspace });
  const more = { project_id: project.project_id };
  const ready = await put(client, 'picture.png', 'image/png', more);
  const bad = await reserve(client, { content_type: 'image/png', ...more });
  assert.ok((await send(bad.upload, 'plain words, no picture at all', 'x.png', 'image/png')).ok);
  assert.equal((await client.assets.complete(bad.asset_id)).status, 'failed');
  const pending = await reserve(client, more);

  for (const query of [{ project_id: project.project_id }, { workspace_id: workspace, limit: 3 }]) {
    const page = await client.assets.list(query);
    const got = page.assets.slice(0, 3).map((a) => [a.asset_id, a.status]);
    assert.deepEqual(got, [[pending.asset_id, 'pending_upload'], [bad.asset_id, 'failed'], [ready.asset_id, 'ready']], JSON.stringify(query));
  }
  const [, , item] = (await client.assets.list({ project_id: project.project_id })).assets;
  for (const name of required) assert.ok(name in item, `${name} is missing in ${JSON.stringify(item)}`);
  assert.ok(!('failure_message' in item), 'lists have no failure_message');
  const one = await client.assets.retrieve(ready.asset_id);
  assert.equal(item.created_at, Date.parse(one.created_at), 'lists tell created_at in Unix milliseconds');
  assert.deepEqual([item.width, item.height, item.size_bytes], [one.width, one.height, one.size_bytes]);
});

test('a search finds the beginnings of words, without case and accents', async () => {
  const { client } = connect();
  const word = unique('zz');
  const found = await reserve(client, { file_name: `Été à la plage, ${word}-Sunset.PNG` });
  const other = await reserve(client, { file_name: `${word} hiver.png` });
  const search = async (query) => (await collect(client.assets.list({ workspace_id: workspace, query, limit: 7 }))).map((a) => a.asset_id);
  assert.deepEqual(await search(word), [other.asset_id, found.asset_id]);
  assert.deepEqual(await search(`${word} ete`), [found.asset_id]);
  assert.deepEqual(await search(`SUNS ${word.slice(0, 9).toUpperCase()}`), [found.asset_id]);
  assert.deepEqual(await search(`${word} unset`), [], 'the middle of a word is no match');
  assert.deepEqual(await search(`${word} plage hiver`), [], 'every word must match');
});

test('a cursor that is not ours is refused', async () => {
  const { client } = connect();
  await refused(client.assets.list({ workspace_id: workspace, cursor: 'abc' }), FLORA.BadRequestError, 'input_validation_error', 'cursor');
});

test('a film is listed with its measures', async () => {
  const { client } = connect();
  const project = await client.projects.create({ name: unique('Film '), workspace_id: workspace });
  await put(client, 'moov-first.mp4', 'video/mp4', { project_id: project.project_id });
  const [item] = (await client.assets.list({ project_id: project.project_id })).assets;
  const bytes = await media('moov-first.mp4');
  assert.deepEqual([item.content_type, item.width, item.height, item.size_bytes], ['video/mp4', 320, 180, bytes.length]);
});
