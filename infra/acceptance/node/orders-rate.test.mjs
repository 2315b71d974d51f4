// The rate limit, through a stack of its own whose client may do little in an hour.
import { test } from 'node:test';
import { assert } from './harness.mjs';
import { connectOrders, endpoint, refusal, signIn } from './orders.mjs';

const limit = 1_000; // the parameter's default, an hour and client

test('every answer says what is left, and what is beyond is refused as 429', async () => {
  const token = await signIn();
  const ask = (fields, accept = 'application/json') => fetch(endpoint, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept },
    body: JSON.stringify({ query: `{ ${Array.from({ length: fields }, (_, i) => `a${i}: webhooks { webhook_id }`).join(' ')} }` }),
  });
  const first = await ask(1);
  const number = (answer, name) => Number(answer.headers.get(`x-ratelimit-${name}`));
  assert.equal(number(first, 'limit'), limit);
  const left = number(first, 'remaining');
  assert.ok(left > 0 && left < limit, `${left}`);
  const reset = number(first, 'reset') * 1_000 - Date.now();
  assert.ok(reset > 0 && reset <= 3_600_000, `${reset}`);
  let taken = 1;
  let refused;
  while (!refused) {
    const answer = await ask(20);
    if (answer.status === 200) taken += 20;
    else refused = answer;
    assert.ok(taken <= limit, `${taken} fields were served, ${limit} are allowed`);
  }
  assert.ok(taken > limit - 200, `refused after ${taken} fields`);
  assert.equal(refused.status, 429);
  assert.equal(number(refused, 'remaining') < 20, true);
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  assert.equal((await refused.json()).errors[0].extensions.code, 'RATE_LIMITED');
  assert.equal((await ask(20, 'application/graphql-response+json')).status, 429);
  assert.equal((await refusal((await connectOrders(token))(`{ ${Array.from({ length: 20 }, (_, i) => `a${i}: webhooks { webhook_id }`).join(' ')} }`))).code, 'RATE_LIMITED');
});
