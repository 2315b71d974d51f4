// Errors arrive as the SDK's classes, with the contract's codes and the fields to blame.
import { test } from 'node:test';
import { FLORA, api, assert, connect, refused, reserve, workspace } from './harness.mjs';

test('bad input is a BadRequestError that names the field', async () => {
  const { client, sent } = connect();
  const bad = (body) => client.assets.create({ source: 'signed-url', workspace_id: workspace, ...body });
  await refused(bad({ source: undefined }), FLORA.BadRequestError, 'input_validation_error', 'source');
  await refused(bad({ source: 'elsewhere' }), FLORA.BadRequestError, 'input_validation_error', 'source');
  await refused(bad({ nope: 1 }), FLORA.BadRequestError, 'input_validation_error', 'nope');
  await refused(bad({ file_name: 7 }), FLORA.BadRequestError, 'input_validation_error', 'file_name');
  await refused(bad({ file_name: 'a\u0000b' }), FLORA.BadRequestError, 'input_validation_error', 'file_name');
  await refused(bad({ file_name: 'x'.repeat(256) }), FLORA.BadRequestError, 'input_validation_error', 'file_name');
  await refused(bad({ content_type: 'image/svg+xml' }), FLORA.BadRequestError, 'input_validation_error', 'content_type');
  await refused(client.assets.list({ limit: 0 }), FLORA.BadRequestError, 'input_validation_error', 'limit');
  await refused(client.assets.list({ limit: 101 }), FLORA.BadRequestError, 'input_validation_error', 'limit');
  await refused(client.projects.create({ workspace_id: workspace }), FLORA.BadRequestError, 'input_validation_error', 'name');
  assert.equal(sent.length, 10, 'bad input was repeated');
});

test('a link to where nothing may be copied from is refused with a reason', async () => {
  const { client } = connect();
  for (const source of ['http://example.com/cat.png', 'https://127.0.0.1/cat.png', 'https://me:secret@example.com/cat.png']) {
    await refused(client.assets.create({ source, workspace_id: workspace }), FLORA.BadRequestError, 'input_validation_error', 'source');
  }
});

test('what is unknown is a NotFoundError', async () => {
  const { client, sent } = connect();
  const mine = await reserve(client);
  const unknown = 'asset_01890a5d-ac96-774b-bcce-b302099a8057';
  for (const call of [
    () => client.assets.retrieve(unknown),
    () => client.assets.retrieve('asset_nonsense'),
    () => client.assets.retrieve(mine.asset_id.slice('asset_'.length)),
    () => client.assets.retrieve('a/b?c#d%00'),
    () => client.assets.complete(unknown),
    () => client.assets.retry(unknown),
    () => client.projects.retrieve('prj_nonsense'),
    () => client.projects.assets.attachAsset(mine.asset_id, { projectId: 'prj_nonsense' }),
    () => client.assets.list({ workspace_id: 'ws_nonsense' }),
    () => client.assets.create({ source: 'signed-url', workspace_id: 'ws_nonsense' }),
  ]) {
    await refused(call(), FLORA.NotFoundError, 'not_found');
  }
  assert.equal(sent.length, 11, 'what is unknown was asked for again');
});

test('a wrong key is an AuthenticationError, and so is none', async () => {
  const { client: wrong, sent } = connect({ apiKey: 'sk_live_wrong' });
  await refused(wrong.assets.list(), FLORA.AuthenticationError, 'invalid_api_key');
  await refused(wrong.assets.create({ source: 'signed-url', workspace_id: workspace }), FLORA.AuthenticationError, 'invalid_api_key');
  assert.equal(sent.length, 2, 'a wrong key was tried again');
  const { client: none } = connect({ defaultHeaders: { authorization: null } });
  await refused(none.assets.list(), FLORA.AuthenticationError, 'unauthorized');
  assert.equal((await fetch(`${api}/api/v1/assets`)).status, 401);
});

test('a path that does not exist is a NotFoundError, a wrong method a 405', async () => {
  const { client } = connect();
  await refused(client.get('/nothing/here'), FLORA.NotFoundError, 'not_found');
  const error = await refused(client.put('/assets', { body: {} }), FLORA.APIError, 'method_not_allowed');
  assert.equal(error.status, 405);
  assert.match(error.headers.get('allow') ?? '', /POST/);
});

test('the document of the API is served', async () => {
  const answer = await fetch(`${api}/api/v1/openapi.json`);
  assert.equal(answer.status, 200);
  const document = await answer.json();
  assert.match(document.openapi, /^3\.1\./);
  for (const path of ['/assets', '/projects', '/workspaces']) {
    assert.ok(Object.keys(document.paths).some((p) => p.endsWith(path)), `${path} is not in the document`);
  }
});
