// Workspaces, projects, and the nodes that assets have on a project's canvas.
import { test } from 'node:test';
import { FLORA, assert, assertNoRetries, connect, put, refused, reserve, unique, workspace } from './harness.mjs';

async function collect(list) {
  const found = [];
  for await (const item of list) found.push(item);
  return found;
}

test('the workspaces of a key are listed', async () => {
  const { client } = connect();
  const { workspaces } = await client.workspaces.list();
  const mine = workspaces.find((w) => w.workspace_id === workspace);
  assert.ok(mine, JSON.stringify(workspaces));
  assert.deepEqual(Object.keys(mine).sort(), ['created_at', 'name', 'role', 'workspace_id']);
  assert.equal(mine.role, 'owner');
  assert.ok(mine.name.length > 0);
  assert.ok(mine.created_at === null || Number.isInteger(mine.created_at));
});

test('a project is created, retrieved, listed and searched', async () => {
  const { client, sent } = connect();
  const word = unique('prj');
  const made = [];
  for (const n of ['one', 'two', 'three']) made.push(await client.projects.create({ name: `${word} ${n}`, workspace_id: workspace }));
  const [project] = made;
  assert.match(project.project_id, /^prj_\S+$/);
  assert.deepEqual(Object.keys(project).sort(), ['created_at', 'last_modified', 'name', 'origin', 'project_id', 'workspace_id']);
  assert.equal(project.name, `${word} one`);
  assert.equal(project.workspace_id, workspace);
  assert.ok(Math.abs(project.created_at - Date.now()) < 120_000, `created_at is ${project.created_at}`);
  assert.deepEqual(await client.projects.retrieve(project.project_id), project);

  const all = await collect(client.projects.list({ workspace_id: workspace, limit: 2 }));
  assert.deepEqual(made.filter((p) => !all.some((q) => q.project_id === p.project_id)), [], 'the list misses projects');
  assert.equal(new Set(all.map((p) => p.project_id)).size, all.length, 'the list repeats projects');
  const found = await collect(client.projects.list({ workspace_id: workspace, query: `${word} t`, limit: 1 }));
  assert.deepEqual(found.map((p) => p.name).sort(), [`${word} three`, `${word} two`]);
  assertNoRetries(sent);
});

test('an attached asset is a node, and attaching again is the same node', async () => {
  const { client } = connect();
  const project = await client.projects.create({ name: unique('Canvas '), workspace_id: workspace });
  const asset = await put(client, 'picture.png', 'image/png');
  const attached = await client.projects.assets.attachAsset(asset.asset_id, { projectId: project.project_id });
  assert.deepEqual(Object.keys(attached).sort(), ['asset_id', 'canvas_url', 'node_id', 'project_id']);
  assert.equal(attached.asset_id, asset.asset_id);
  assert.equal(attached.project_id, project.project_id);
  assert.doesNotThrow(() => new URL(attached.canvas_url), attached.canvas_url);
  assert.deepEqual(await client.projects.assets.attachAsset(asset.asset_id, { projectId: project.project_id }), attached);

  const film = await put(client, 'moov-first.mp4', 'video/mp4', { project_id: project.project_id });
  const nodes = await collect(client.projects.listNodes(project.project_id, { limit: 1 }));
  const kinds = Object.fromEntries(nodes.map((n) => [n.asset_id, n.type]));
  assert.deepEqual(kinds, { [asset.asset_id]: 'image', [film.asset_id]: 'video' });
  const node = nodes.find((n) => n.asset_id === asset.asset_id);
  assert.equal(node.node_id, attached.node_id);

  const listed = await collect(client.assets.list({ project_id: project.project_id }));
  assert.deepEqual(listed.map((a) => a.asset_id).sort(), [asset.asset_id, film.asset_id].sort());
});

test('an asset that waits for its bytes can be attached too', async () => {
  const { client } = connect();
  const project = await client.projects.create({ name: unique('Waiting '), workspace_id: workspace });
  const waiting = await reserve(client, { content_type: 'image/png' });
  const attached = await client.projects.assets.attachAsset(waiting.asset_id, { projectId: project.project_id });
  assert.ok(attached.node_id);
  await refused(
    client.projects.assets.attachAsset('asset_01890a5d-ac96-774b-bcce-b302099a8057', { projectId: project.project_id }),
    FLORA.NotFoundError, 'not_found',
  );
});
