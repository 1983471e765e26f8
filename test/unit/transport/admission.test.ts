// What stands before a Diffie-Hellman: buckets per address and cookies, in constant memory.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AddressLimiter, addressPrefix } from '../../../src/transport/address-limiter.ts';
import { ADDRESS_BURST, ADDRESSES_MAX, COOKIE_SECRET_MS } from '../../../src/transport/constants.ts';
import { CookieJar, macOf, openCookie } from '../../../src/transport/cookie-jar.ts';
import { TokenBucket } from '../../../src/transport/token-bucket.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const test = suite('admission');

test('an address gets its burst, then its rate', () => {
  const limiter = new AddressLimiter();
  let allowed = 0;
  for (let count = 0; count < 100; count++) if (limiter.allow('10.0.0.1', 0)) allowed += 1;
  assert.is(allowed, ADDRESS_BURST);
  assert.ok(limiter.allow('10.0.0.2', 0), 'other addresses are not concerned');
  assert.ok(limiter.allow('10.0.0.1', 1000));
});

test('a bucket of all gives its burst, then its rate, and saves up no more than the burst', () => {
  const bucket = new TokenBucket({ perSecond: 100, burst: 5 });
  const taken = (nowMs: number): number => {
    let count = 0;
    while (bucket.take(nowMs)) count += 1;
    return count;
  };
  assert.is(taken(0), 5);
  assert.is(taken(9), 0);
  assert.is(taken(30), 3);
  assert.is(taken(60_000), 5);
});

test('a flood from countless addresses takes constant memory', () => {
  const limiter = new AddressLimiter();
  for (let count = 0; count < 3 * ADDRESSES_MAX; count++) {
    limiter.allow(`10.${count & 255}.${(count >> 8) & 255}.${count >> 16}`, count);
  }
  assert.is(limiter.size, ADDRESSES_MAX);
});

test('IPv6 addresses of one /64 share a bucket', () => {
  assert.is(addressPrefix('2001:db8:1:2:3:4:5:6'), addressPrefix('2001:db8:1:2:ffff::1'));
  assert.is.not(addressPrefix('2001:db8:1:2:3:4:5:6'), addressPrefix('2001:db8:1:3:3:4:5:6'));
  assert.is(addressPrefix('192.0.2.1'), '192.0.2.1');
});

test('a cookie proves one address, to the responder that made it, for a while', () => {
  const random = seededRandom(1);
  const responder = random.bytes(32);
  const jar = new CookieJar(responder, random);
  const [nonce, mac1, message] = [random.bytes(24), random.bytes(16), random.bytes(100)];
  const sealed = jar.seal({ source: '10.0.0.1 7', nonce, mac1, nowMs: 0 });
  const cookie = openCookie(sealed, { responder, nonce, mac1 });
  if (cookie === undefined) throw new Error('the cookie did not open');
  const mac2 = macOf(cookie, message);
  assert.ok(jar.accepts({ source: '10.0.0.1 7', message, mac2, nowMs: 1 }));
  assert.ok(jar.accepts({ source: '10.0.0.1 7', message, mac2, nowMs: COOKIE_SECRET_MS + 1 }), 'previous secret');
  assert.not(jar.accepts({ source: '10.0.0.1 8', message, mac2, nowMs: COOKIE_SECRET_MS + 1 }), 'another port');
  assert.not(jar.accepts({ source: '10.0.0.1 7', message, mac2, nowMs: 2 * COOKIE_SECRET_MS + 2 }), 'too old');
  assert.is(openCookie(sealed, { responder, nonce, mac1: random.bytes(16) }), undefined, 'another initiation');
});

test.run();
