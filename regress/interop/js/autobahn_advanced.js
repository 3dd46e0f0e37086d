// Copyright (c) 2026 The wampd authors
// SPDX-License-Identifier: ISC
//
// The Advanced Profile, as Autobahn|JS sees it.
// node autobahn_advanced.js websocket|rawsocket|unix url-or-path serializer

'use strict';
const assert = require('assert');
const autobahn = require('autobahn');
const { Box, fails, run } = require('./cases.js');

const [transport, where, serializer] = process.argv.slice(2);
const S = {
	json: () => new autobahn.serializer.JSONSerializer(),
	msgpack: () => new autobahn.serializer.MsgpackSerializer(),
	cbor: () => new autobahn.serializer.CBORSerializer(),
};
const ACK = { acknowledge: true };
const CANCELED = 'wamp.error.canceled';

function options(realm) {
	const o = { realm, max_retries: 0, on_internal_error: () => {},
	    on_user_error: () => {} };

	if (transport === 'websocket')
		return { ...o, url: where, serializers: [S[serializer]()] };
	const t = { type: 'rawsocket', serializer: S[serializer](),
	    protocol: 'wamp.2.' + serializer };
	if (transport === 'unix')
		t.path = where;
	else
		[t.host, t.port] = where.split(':');
	return { ...o, transports: [t] };
}

// a session with details and left, a Box
function join(realm = 'realm1') {
	return new Promise((resolve, reject) => {
		const connection = new autobahn.Connection(options(realm));
		const left = new Box();

		connection.onopen = (session, details) => {
			session.details = details;
			session.left = left;
			session.end = async () => {
				connection.close();
				await left.take();
			};
			resolve(session);
		};
		connection.onclose = (reason, details) => {
			left.put(details && details.reason ?
			    details : { reason });
			reject(new Error(reason));
			return true;
		};
		connection.open();
	});
}

async function withSessions(n, fn, realm) {
	const all = [];

	for (let i = 0; i < n; i++)
		all.push(await join(realm));
	await fn(...all);
	for (const s of all)
		if (s.isOpen)
			await s.end();
}

function subscribe(s, box, topic, options) {
	return s.subscribe(topic, (args, kwargs, details) =>
	    box.put({ args, kwargs: { ...kwargs }, details }), options);
}

// a procedure that ends when it is told to
function slow(box) {
	return () => new Promise((resolve) => box.put(resolve));
}

async function patterns(a, b) {
	const boxes = [];

	for (const [match, topic] of [['prefix', 'com.example.pa'],
	    ['wildcard', 'com..pat.x'], ['exact', 'com.example.pat.x']]) {
		const box = new Box();
		await subscribe(a, box, topic, { match });
		boxes.push(box);
	}
	await b.publish('com.example.pat.x', [1], { two: 2 }, ACK);
	for (const box of boxes) {
		const e = await box.take();
		assert.deepStrictEqual(e.args, [1]);
		assert.deepStrictEqual(e.kwargs, { two: 2 });
		assert.strictEqual(e.details.topic, 'com.example.pat.x');
	}
}

async function lists(p, a, b) {
	const boxes = [new Box(), new Box()];

	await subscribe(a, boxes[0], 'com.example.t');
	await subscribe(b, boxes[1], 'com.example.t');
	let n = 0;
	const want = [[], []];
	for (const [options, forA, forB] of [
	    [{ exclude: [a.id] }, false, true],
	    [{ exclude_authid: [b.details.authid] }, true, false],
	    [{ exclude_authrole: ['all'] }, false, false],
	    [{ eligible: [a.id] }, true, false],
	    [{ eligible: [] }, false, false],
	    [{ eligible_authid: [b.details.authid] }, false, true],
	    [{ eligible_authrole: ['all'] }, true, true],
	    [{}, true, true]]) {
		await p.publish('com.example.t', [++n], {},
		    { ...options, ...ACK });
		if (forA)
			want[0].push(n);
		if (forB)
			want[1].push(n);
	}
	for (const i of [0, 1])
		for (const x of want[i])
			assert.deepStrictEqual((await boxes[i].take()).args,
			    [x]);
}

async function exclusion(a) {
	const box = new Box();

	await subscribe(a, box, 'com.example.t');
	await a.publish('com.example.t', [1], {}, ACK);
	await a.publish('com.example.t', [2], {},
	    { exclude_me: false, ...ACK });
	assert.deepStrictEqual((await box.take()).args, [2]);
}

async function identification(a, b) {
	const box = new Box();

	await subscribe(a, box, 'com.example.t');
	await a.register('com.example.p', (args, kwargs, details) => {
		box.put({ details });
		return null;	// MessagePack cannot have undefined
	});
	for (const disclose_me of [true, false]) {
		await b.publish('com.example.t', [], {},
		    { disclose_me, ...ACK });
		const e = (await box.take()).details;
		await b.call('com.example.p', [], {}, { disclose_me });
		const c = (await box.take()).details;
		const who = disclose_me ? [b.id, b.details.authid, 'all'] :
		    [undefined, undefined, undefined];
		assert.deepStrictEqual([e.publisher, e.publisher_authid,
		    e.publisher_authrole], who);
		assert.deepStrictEqual([c.caller, c.caller_authid,
		    c.caller_authrole], who);
	}
}

async function retained(a, b) {
	const box = new Box();

	for (const n of [1, 2])
		await b.publish('com.example.kept', [n], {},
		    { retain: true, ...ACK });
	await subscribe(a, box, 'com.example.kept', { get_retained: true });
	let e = await box.take();
	assert.deepStrictEqual(e.args, [2]);
	assert.strictEqual(e.details.retained, true);
	await b.publish('com.example.kept', [3], {}, ACK);
	e = await box.take();
	assert.deepStrictEqual(e.args, [3]);
	assert.strictEqual(e.details.retained, false);
}

async function history(a, b) {
	const pubs = [];

	for (const n of [0, 1, 2])
		pubs.push((await b.publish('com.example.history', [n],
		    { n }, ACK)).id);
	const sub = await a.call('wamp.subscription.lookup',
	    ['com.example.history']);
	const got = await a.call('wamp.subscription.get_events', [sub],
	    { limit: 2, reverse: true });
	assert.deepStrictEqual(got.args.map((e) => e.publication),
	    [pubs[2], pubs[1]]);
	assert.deepStrictEqual(got.args[0].args, [2]);
}

async function progress(a, b) {
	const partly = [];

	// of another library: see "lacks"
	const end = await b.call('com.example.count', [3], {},
	    { receive_progress: true }).then((x) => x, null,
	    (x) => partly.push(x));
	assert.strictEqual(end, 'end');
	assert.deepStrictEqual(partly, [0, 1, 2]);
}

async function cancelKill(a, b) {
	const box = new Box();

	await a.register('com.example.slow', slow(box));
	const call = b.call('com.example.slow');
	const end = await box.take();
	call.cancel({ mode: 'kill' });
	await fails(call, CANCELED);	// a callee that cannot: skip
	end(1);
	await a.register('com.example.one', () => 1);
	assert.strictEqual(await b.call('com.example.one'), 1);
}

async function timeout(a, b) {
	const box = new Box();

	await a.register('com.example.slow', slow(box));
	await fails(b.call('com.example.slow', [], {}, { timeout: 100 }),
	    'wamp.error.timeout');
	(await box.take())(1);
	const call = b.call('com.example.slow', [], {}, { timeout: 60000 });
	(await box.take())(2);
	assert.strictEqual(await call, 2);
}

async function registrations(a, b, c) {
	for (const [match, uri] of [['prefix', 'com.example.pre'],
	    ['wildcard', 'com..wild.x']])
		await a.register(uri, (args, kwargs, details) =>
		    match + ' ' + details.procedure, { match });
	for (const [uri, match] of [['com.example.prefix.y', 'prefix'],
	    ['com.example.wild.x', 'wildcard']])
		assert.strictEqual(await c.call(uri), match + ' ' + uri);
	for (const [invoke, want] of [['roundrobin', 'abab'],
	    ['first', 'aaaa'], ['last', 'bbbb']]) {
		const regs = [
		    await a.register('com.example.shared', () => 'a',
			{ invoke }),
		    await b.register('com.example.shared', () => 'b',
			{ invoke })];
		let got = '';
		for (let i = 0; i < 4; i++)
			got += await c.call('com.example.shared');
		assert.strictEqual(got, want);
		for (const r of regs)
			await r.unregister();
	}
}

async function concurrency(a, b) {
	const box = new Box();

	await a.register('com.example.slow', slow(box), { concurrency: 1 });
	const call = b.call('com.example.slow');
	const end = await box.take();
	await fails(b.call('com.example.slow'),
	    'wamp.error.no_available_callee');
	end(1);
	assert.strictEqual(await call, 1);
}

async function reregister(a, b, c) {
	const reg = await a.register('com.example.forced', () => 'a');

	await b.register('com.example.forced', () => 'b',
	    { force_reregister: true });
	await reg.on_unregister;
	assert.strictEqual(reg.active, false);
	assert.strictEqual(await c.call('com.example.forced'), 'b');
}

async function metaSession(a) {
	const joins = new Box(), leaves = new Box();

	await subscribe(a, joins, 'wamp.session.on_join');
	await subscribe(a, leaves, 'wamp.session.on_leave');
	const b = await join();
	const { args: [about] } = await joins.take();
	assert.strictEqual(about.session, b.id);
	assert.strictEqual(about.authid, b.details.authid);
	const all = await a.call('wamp.session.list');
	assert.ok(all.includes(a.id) && all.includes(b.id), all);
	assert.strictEqual(await a.call('wamp.session.count'), all.length);
	assert.strictEqual((await a.call('wamp.session.get', [b.id])).session,
	    b.id);
	const id = b.id;		// it forgets it
	await a.call('wamp.session.kill', [id],
	    { reason: 'com.example.enough', message: 'that is it' });
	assert.strictEqual((await b.left.take()).reason,
	    'com.example.enough');
	assert.deepStrictEqual((await leaves.take()).args,
	    [id, b.details.authid, 'all']);
	await fails(a.call('wamp.session.get', [id]),
	    'wamp.error.no_such_session');
}

async function metaSubscription(a, b) {
	const box = new Box();

	for (const name of ['create', 'subscribe', 'unsubscribe', 'delete'])
		await a.subscribe('wamp.subscription.on_' + name,
		    (args) => box.put([name, ...args]));
	await a.call('wamp.session.count');
	box.items.length = 0;		// of its own
	const sub = await b.subscribe('com.example.m', () => {},
	    { match: 'prefix' });
	const [name, who, about] = await box.take();
	assert.deepStrictEqual([name, who, about.id, about.match],
	    ['create', b.id, sub.id, 'prefix']);
	assert.deepStrictEqual(await box.take(), ['subscribe', b.id, sub.id]);
	assert.strictEqual(await a.call('wamp.subscription.lookup',
	    ['com.example.m', { match: 'prefix' }]), sub.id);
	assert.deepStrictEqual(await a.call('wamp.subscription.match',
	    ['com.example.more']), [sub.id]);
	assert.deepStrictEqual(await a.call(
	    'wamp.subscription.list_subscribers', [sub.id]), [b.id]);
	await a.call('wamp.subscription.remove_subscriber', [sub.id, b.id],
	    { reason: 'no longer' });
	assert.strictEqual(await sub.on_unsubscribe, 'no longer');
	assert.deepStrictEqual(await box.take(),
	    ['unsubscribe', b.id, sub.id]);
	assert.deepStrictEqual(await box.take(), ['delete', b.id, sub.id]);
}

async function metaRegistration(a, b) {
	const box = new Box();

	for (const name of ['create', 'register', 'unregister', 'delete'])
		await a.subscribe('wamp.registration.on_' + name,
		    (args) => box.put([name, ...args]));
	const reg = await b.register('com.example.m', () => 1,
	    { invoke: 'last' });
	const [name, who, about] = await box.take();
	assert.deepStrictEqual([name, who, about.id, about.invoke],
	    ['create', b.id, reg.id, 'last']);
	assert.deepStrictEqual(await box.take(), ['register', b.id, reg.id]);
	assert.strictEqual(await a.call('wamp.registration.match',
	    ['com.example.m']), reg.id);
	assert.deepStrictEqual(await a.call('wamp.registration.list_callees',
	    [reg.id]), [b.id]);
	await a.call('wamp.registration.remove_callee', [reg.id, b.id]);
	await reg.on_unregister;
	assert.deepStrictEqual(await box.take(),
	    ['unregister', b.id, reg.id]);
	assert.deepStrictEqual(await box.take(), ['delete', b.id, reg.id]);
}

async function testaments(a) {
	const box = new Box();

	await subscribe(a, box, 'com.example.testament');
	for (const flush of [false, true]) {
		const b = await join();
		await b.call('wamp.session.add_testament',
		    ['com.example.testament', ['last'], { x: 1 }]);
		await b.call('wamp.session.add_testament',
		    ['com.example.testament', ['first'], {}],
		    { scope: 'detached' });
		if (flush)
			await b.call('wamp.session.flush_testaments');
		await b.end();
		assert.deepStrictEqual((await box.take()).args, ['first']);
		if (!flush)
			assert.deepStrictEqual((await box.take()).args,
			    ['last']);
	}
	await a.call('wamp.session.count');
	assert.strictEqual(box.items.length, 0);
}

// What it cannot do, as wampd-clients(7) has it: if one of these fails, it
// learned something.

async function lacksCancel(a, b) {
	const box = new Box();

	await a.register('com.example.slow', slow(box));
	const call = b.call('com.example.slow');
	(await box.take());
	call.cancel({ mode: 'killnowait' });
	await call.then(() => assert.fail('a result'), () => {});
	// takes the ERROR for a violation
	assert.notStrictEqual((await b.left.take()).reason, undefined);
}

async function lacksProgress(a, b) {
	await a.register('com.example.p', (args, kwargs, details) =>
	    details.progress === null);
	assert.strictEqual(await b.call('com.example.p', [], {},
	    { receive_progress: true }), true);
}

run([
	['subscriptions by prefix and wildcard', 2, patterns],
	['publisher exclusion', 1, exclusion],
	['black- and whitelisting', 3, lists],
	['publisher and caller identification', 2, identification],
	['retained events', 2, retained],
	['event history', 2, history],
	['progressive call results to the caller', 2, progress],
	['cancel, mode kill', 2, cancelKill],
	['call timeout', 2, timeout],
	['pattern and shared registrations', 3, registrations],
	['concurrency of a registration', 2, concurrency],
	['force_reregister', 3, reregister],
	['session meta API', 1, metaSession],
	['subscription meta API', 2, metaSubscription],
	['registration meta API', 2, metaRegistration],
	['testaments', 1, testaments],
	['lacks: cancel, mode killnowait', 2, lacksCancel],
	['lacks: progress from a callee', 2, lacksProgress],
].map(([name, n, fn]) => [name, () => withSessions(n, fn)]));
