// Copyright (c) 2026 The wampd authors
// SPDX-License-Identifier: ISC
//
// The Advanced Profile, as wampy.js sees it.
// node wampy_advanced.js url serializer

'use strict';
const assert = require('assert');
const { Wampy } = require('wampy');
const WebSocket = require('ws');
const { Box, fails, run } = require('./cases.js');

const [url, serializer] = process.argv.slice(2);
const S = {
	json: require('wampy/JsonSerializer.js').JsonSerializer,
	msgpack: require('wampy/MsgpackSerializer.js').MsgpackSerializer,
	cbor: require('wampy/CborSerializer.js').CborSerializer,
};
const CANCELED = 'wamp.error.canceled';

async function join(streams = false) {
	const left = new Box();
	const w = new Wampy(url, {
		realm: 'realm1', ws: WebSocket, autoReconnect: false,
		serializer: new S[serializer](),
		payloadSerializers: { json: new S.json(), cbor: new S.cbor() },
		onClose: () => left.put('closed'),
	});

	if (streams)	// it has the feature, but does not announce it
		w._wamp_features.roles.caller.features
		    .progressive_call_invocations = true;
	w.details = await w.connect();
	w.id = w.getSessionId();
	w.left = left;
	return w;
}

async function withSessions(n, fn) {
	const all = [];

	for (let i = 0; i < n; i++)
		all.push(await join());
	await fn(...all);
	for (const s of all)
		if (s.getSessionId())
			await s.disconnect();
}

// the one result
async function call(s, uri, ...more) {
	return (await s.call(uri, ...more)).argsList[0];
}

function result(...argsList) {
	return { argsList };
}

function slow(box) {
	return () => new Promise((resolve) => box.put(resolve));
}

async function patterns(a, b) {
	const boxes = [];

	for (const [match, topic] of [['prefix', 'com.example.pa'],
	    ['wildcard', 'com..pat.x']]) {
		const box = new Box();
		await a.subscribe(topic, (e) => box.put(e), { match });
		boxes.push(box);
	}
	await b.publish('com.example.pat.x', [1]);
	for (const box of boxes) {
		const e = await box.take();
		assert.deepStrictEqual(e.argsList, [1]);
		assert.strictEqual(e.details.topic, 'com.example.pat.x');
	}
}

async function lists(p, a, b) {
	const boxes = [new Box(), new Box()];

	await a.subscribe('com.example.t', (e) => boxes[0].put(e.argsList[0]));
	await b.subscribe('com.example.t', (e) => boxes[1].put(e.argsList[0]));
	let n = 0;
	const want = [[], []];
	for (const [options, forA, forB] of [
	    [{ exclude: [a.id] }, false, true],
	    [{ exclude_authid: b.details.authid }, true, false],
	    [{ exclude_authrole: 'all' }, false, false],
	    [{ eligible: [a.id] }, true, false],
	    [{ eligible_authid: [b.details.authid] }, false, true],
	    [{ eligible_authrole: ['all'] }, true, true],
	    [{}, true, true]]) {
		await p.publish('com.example.t', [++n], options);
		if (forA)
			want[0].push(n);
		if (forB)
			want[1].push(n);
	}
	for (const i of [0, 1])
		for (const x of want[i])
			assert.strictEqual(await boxes[i].take(), x);
}

async function identification(a, b) {
	const box = new Box();

	await a.subscribe('com.example.t', (e) => box.put(e.details));
	await a.register('com.example.p', (i) => {
		box.put(i.details);
	});
	for (const disclose_me of [true, false]) {
		await b.publish('com.example.t', [1], { disclose_me });
		const e = await box.take();
		await b.call('com.example.p', [1], { disclose_me });
		const c = await box.take();
		const who = disclose_me ? [b.id, b.details.authid, 'all'] :
		    [undefined, undefined, undefined];
		assert.deepStrictEqual([e.publisher, e.publisher_authid,
		    e.publisher_authrole], who);
		assert.deepStrictEqual([c.caller, c.caller_authid,
		    c.caller_authrole], who);
	}
}

async function retained(a) {
	const box = new Box();

	// kept by another library: see "lacks"
	await a.subscribe('com.example.foreign', (e) => box.put(e),
	    { get_retained: true });
	const e = await box.take();
	assert.strictEqual(e.details.retained, true);
	assert.deepStrictEqual(e.argsList, ['kept']);
}

async function history(a, b) {
	const pubs = [];

	for (const n of [0, 1, 2])
		pubs.push((await b.publish('com.example.history', [n]))
		    .publicationId);
	const sub = await call(a, 'wamp.subscription.lookup',
	    ['com.example.history']);
	const got = await a.call('wamp.subscription.get_events',
	    { argsList: [sub], argsDict: { limit: 2, reverse: true } });
	assert.deepStrictEqual(got.argsList.map((e) => e.publication),
	    [pubs[2], pubs[1]]);
}

async function progress(a) {
	const partly = [];

	// of another library: see "lacks"
	assert.strictEqual(await call(a, 'com.example.count', [3],
	    { progress_callback: (r) => partly.push(r.argsList[0]) }), 'end');
	assert.deepStrictEqual(partly, [0, 1, 2]);
}

async function stream(a) {
	const b = await join(true);

	// a callee of another library: see "lacks"
	const { result: sum, sendData } = b.progressiveCall(
	    'com.example.sum', [1]);
	sendData([2], { progress: true });
	sendData([3], { progress: false });
	assert.deepStrictEqual((await sum).argsList, [6]);
	// a callee that cannot
	await a.register('com.example.plain', () => result(1));
	await fails(b.progressiveCall('com.example.plain', [1]).result,
	    'wamp.error.feature_not_supported');
	await b.disconnect();
}

async function cancel(a, b) {
	const box = new Box();

	await a.register('com.example.slow', slow(box));
	for (const mode of ['skip', 'killnowait', 'kill']) {
		const pending = b.call('com.example.slow');
		const end = await box.take();
		b.cancel(b.getOpStatus().reqId, { mode });
		await fails(pending, CANCELED);	// a callee that cannot
		end(result(1));
	}
	const pending = b.call('com.example.slow');
	(await box.take())(result(2));
	assert.deepStrictEqual((await pending).argsList, [2]);
}

async function timeout(a, b) {
	const box = new Box();

	await a.register('com.example.slow', slow(box));
	await fails(b.call('com.example.slow', [], { timeout: 100 }),
	    'wamp.error.timeout');
	(await box.take())(result(1));
	const pending = b.call('com.example.slow', [], { timeout: 60000 });
	(await box.take())(result(2));
	assert.deepStrictEqual((await pending).argsList, [2]);
}

async function registrations(a, b, c) {
	for (const [match, uri] of [['prefix', 'com.example.pre'],
	    ['wildcard', 'com..wild.x']])
		await a.register(uri, (i) => result(match, i.details.procedure),
		    { match });
	for (const [uri, match] of [['com.example.prefix.y', 'prefix'],
	    ['com.example.wild.x', 'wildcard']])
		assert.deepStrictEqual((await c.call(uri)).argsList,
		    [match, uri]);
	for (const [invoke, want] of [['roundrobin', 'abab'],
	    ['first', 'aaaa'], ['last', 'bbbb']]) {
		await a.register('com.example.shared', () => result('a'),
		    { invoke });
		await b.register('com.example.shared', () => result('b'),
		    { invoke });
		let got = '';
		for (let i = 0; i < 4; i++)
			got += await call(c, 'com.example.shared');
		assert.strictEqual(got, want);
		await a.unregister('com.example.shared');
		await b.unregister('com.example.shared');
	}
}

async function metaSession(a) {
	const joins = new Box(), leaves = new Box();

	await a.subscribe('wamp.session.on_join', (e) => joins.put(e));
	await a.subscribe('wamp.session.on_leave', (e) => leaves.put(e));
	const b = await join();
	const about = (await joins.take()).argsList[0];
	assert.strictEqual(about.session, b.id);
	const all = await call(a, 'wamp.session.list');
	assert.ok(all.includes(a.id) && all.includes(b.id), all);
	assert.strictEqual(await call(a, 'wamp.session.count'), all.length);
	assert.strictEqual((await call(a, 'wamp.session.get', [b.id])).authid,
	    b.details.authid);
	await a.call('wamp.session.kill', [b.id]);
	await b.left.take();
	assert.deepStrictEqual((await leaves.take()).argsList,
	    [b.id, b.details.authid, 'all']);
	await fails(a.call('wamp.session.get', [b.id]),
	    'wamp.error.no_such_session');
}

async function metaOthers(a, b) {
	const box = new Box();

	for (const what of ['subscription.on_create', 'subscription.on_delete',
	    'registration.on_create', 'registration.on_delete'])
		await a.subscribe('wamp.' + what, (e) =>
		    box.put([what, ...e.argsList]));
	await a.call('wamp.session.count');
	box.items.length = 0;		// of its own
	const { subscriptionId: sub } = await b.subscribe('com.example.m',
	    () => {});
	let [what, who, about] = await box.take();
	assert.deepStrictEqual([what, who, about.id],
	    ['subscription.on_create', b.id, sub]);
	assert.strictEqual(await call(a, 'wamp.subscription.lookup',
	    ['com.example.m']), sub);
	// revoked without a word: it does not announce the feature
	await a.call('wamp.subscription.remove_subscriber', [sub, b.id]);
	assert.deepStrictEqual(await box.take(),
	    ['subscription.on_delete', b.id, sub]);
	const { registrationId: reg } = await b.register('com.example.m',
	    () => result(1));
	[what, who, about] = await box.take();
	assert.deepStrictEqual([what, who, about.id],
	    ['registration.on_create', b.id, reg]);
	assert.strictEqual(await call(a, 'wamp.registration.match',
	    ['com.example.m']), reg);
	await a.call('wamp.registration.remove_callee', [reg, b.id]);
	assert.deepStrictEqual(await box.take(),
	    ['registration.on_delete', b.id, reg]);
	await b.call('wamp.session.count');
}

async function testaments(a) {
	const box = new Box();

	await a.subscribe('com.example.testament', (e) =>
	    box.put(e.argsList[0]));
	for (const flush of [false, true]) {
		const b = await join();
		await b.call('wamp.session.add_testament',
		    ['com.example.testament', ['last'], {}]);
		await b.call('wamp.session.add_testament', {
			argsList: ['com.example.testament', ['first'], {}],
			argsDict: { scope: 'detached' } });
		if (flush)
			await b.call('wamp.session.flush_testaments');
		await b.disconnect();
		assert.strictEqual(await box.take(), 'first');
		if (!flush)
			assert.strictEqual(await box.take(), 'last');
	}
	await a.call('wamp.session.count');
	assert.strictEqual(box.items.length, 0);
}

async function passthru(a, b) {
	const box = new Box();
	// over JSON it makes no text of what is binary
	const ppt_serializer = serializer === 'json' ? 'json' : 'cbor';
	const ppt = { ppt_scheme: 'x_own', ppt_serializer,
	    ppt_cipher: 'none', ppt_keyid: 'k1' };
	const payload = { argsList: [1, 'two'], argsDict: { three: 3 } };

	await a.subscribe('com.example.ppt', (e) => box.put(e));
	await b.publish('com.example.ppt', payload, ppt);
	const e = await box.take();
	assert.deepStrictEqual(e.argsList, [1, 'two']);
	assert.deepStrictEqual({ ...e.argsDict }, { three: 3 });
	await a.register('com.example.ppt', (i) => {
		box.put(i.details);
		return { ...payload, options: ppt };
	});
	const r = await b.call('com.example.ppt', payload, ppt);
	assert.deepStrictEqual(r.argsList, [1, 'two']);
	for (const d of [e.details, await box.take(), r.details])
		for (const key of Object.keys(ppt))
			assert.strictEqual(d[key], ppt[key]);
}

// What it cannot do, as wampd-clients(7) has it: if one of these fails, it
// learned something.

async function lacksRetain(a, b) {
	const box = new Box();

	await b.publish('com.example.notkept', [1], { retain: true });
	await a.subscribe('com.example.notkept', (e) => box.put(e),
	    { get_retained: true });
	await a.call('wamp.session.count');
	assert.strictEqual(box.items.length, 0);
}

async function lacksExcludeMe(a) {
	const box = new Box();

	await a.subscribe('com.example.t', (e) => box.put(e));
	await a.publish('com.example.t', [1], { exclude_me: false });
	await a.call('wamp.session.count');
	assert.strictEqual(box.items.length, 0);
}

async function lacksPatterns(a) {
	for (const [match, topic] of [['prefix', 'com.example.'],
	    ['wildcard', '.example.x'], ['wildcard', 'com.example.']])
		await a.subscribe(topic, () => {}, { match }).then(
		    () => assert.fail(topic), () => {});
}

async function lacksEmptyLists(a) {
	await a.publish('com.example.t', [1], { eligible: [] }).then(
	    () => assert.fail('it was sent'), () => {});
}

async function lacksConcurrency(a, b) {
	const box = new Box();

	await a.register('com.example.slow', slow(box), { concurrency: 1 });
	const pending = [b.call('com.example.slow'),
	    b.call('com.example.slow')];
	for (const p of pending) {
		(await box.take())(result(1));
		await p;
	}
}

async function lacksAnnouncement(a) {
	// an ABORT: the call is progressive, the client is not
	await a.progressiveCall('com.example.sum', [1]).result.then(
	    () => assert.fail('a result'), () => {});
	await a.left.take();
}

async function lacksForce(a, b) {
	await a.register('com.example.forced', () => result(1));
	await fails(b.register('com.example.forced', () => result(2),
	    { force_reregister: true }),
	    'wamp.error.procedure_already_exists');
}

async function lacksProgress(a, b) {
	await a.register('com.example.p', (i) =>
	    result(i.details.receive_progress === undefined));
	assert.strictEqual(await call(b, 'com.example.p', [],
	    { progress_callback: () => {} }), true);
}

run([
	['subscriptions by prefix and wildcard', 2, patterns],
	['black- and whitelisting', 3, lists],
	['publisher and caller identification', 2, identification],
	['retained events to the subscriber', 1, retained],
	['event history', 2, history],
	['progressive call results to the caller', 1, progress],
	['progressive call invocations by the caller', 1, stream],
	['cancel, each mode', 2, cancel],
	['call timeout', 2, timeout],
	['pattern and shared registrations', 3, registrations],
	['session meta API', 1, metaSession],
	['subscription and registration meta API', 2, metaOthers],
	['testaments', 1, testaments],
	['payload passthru', 2, passthru],
	['lacks: retain', 2, lacksRetain],
	['lacks: exclude_me false', 1, lacksExcludeMe],
	['lacks: patterns with an empty end', 1, lacksPatterns],
	['lacks: empty lists', 1, lacksEmptyLists],
	['lacks: concurrency', 2, lacksConcurrency],
	['lacks: announces no progressive call invocations', 1,
	    lacksAnnouncement],
	['lacks: force_reregister', 2, lacksForce],
	['lacks: progress from a callee', 2, lacksProgress],
].map(([name, n, fn]) => [name, () => withSessions(n, fn)]));
