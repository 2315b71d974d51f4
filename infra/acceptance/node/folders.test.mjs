// Library folders. The SDK knows them from 0.9 on.
import { test } from 'node:test';
import { FLORA, assert, assertNoRetries, connect, refused, reserve, unique, workspace } from './harness.mjs';

test('a folder is created, filled with a text and deleted', async () => {
  const { client, sent } = connect();
  const folders = client.workspaces.library.folders;
  const name = unique('Folder ');
  const folder = await folders.create(workspace, { name });
  assert.deepEqual(folder, { folder_id: folder.folder_id, name, workspace_id: workspace });
  assert.ok(folder.folder_id);

  const item = await folders.addItem(folder.folder_id, { workspaceId: workspace, type: 'text', text: 'A slogan', description: 'for spring' });
  assert.equal(item.folder_id, folder.folder_id);
  assert.equal(item.workspace_id, workspace);
  assert.ok(item.saved_node_id);

  const asset = await reserve(client, { folder: folder.folder_id });
  assert.equal(asset.status, 'pending_upload');
  await refused(folders.delete(folder.folder_id, { workspaceId: workspace }), FLORA.ConflictError, 'conflict');
  const gone = await folders.delete(folder.folder_id, { workspaceId: workspace }, { query: { delete_items: true } });
  assert.deepEqual(gone, { deleted: true, folder_id: folder.folder_id, workspace_id: workspace });
  assert.equal((await client.assets.retrieve(asset.asset_id)).status, 'pending_upload', 'an asset outlives its folder');
  await refused(
    folders.addItem(folder.folder_id, { workspaceId: workspace, type: 'text', text: 'late' }),
    FLORA.NotFoundError, 'not_found',
  );
  assertNoRetries(sent);
});

test('a folder needs no name', async () => {
  const { client } = connect();
  const folder = await client.workspaces.library.folders.create(workspace);
  assert.ok(folder.name.length > 0);
});

test('a folder item by a link that may not be followed is refused with a reason', async () => {
  const { client } = connect();
  const folder = await client.workspaces.library.folders.create(workspace, { name: unique('Links ') });
  const add = client.workspaces.library.folders.addItem(folder.folder_id, { workspaceId: workspace, type: 'image', source: 'https://10.0.0.1/cat.png' });
  await refused(add, FLORA.BadRequestError, 'input_validation_error', 'source');
});

test('a folder of a workspace that is not ours is missing', async () => {
  const { client } = connect();
  const folders = client.workspaces.library.folders;
  await refused(folders.create('ws_nonsense', { name: 'x' }), FLORA.NotFoundError, 'not_found');
  const folder = await folders.create(workspace, { name: unique('Mine ') });
  await refused(folders.delete(folder.folder_id, { workspaceId: 'ws_nonsense' }), FLORA.NotFoundError, 'not_found');
  await refused(folders.delete('nonsense', { workspaceId: workspace }), FLORA.NotFoundError, 'not_found');
});
