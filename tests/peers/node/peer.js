// node-pg: text both ways, parameters without types; pg-copy-streams and pg-cursor as people use them.
'use strict';
const assert = require('assert');
const fs = require('fs');
const { pipeline } = require('stream/promises');
const { Readable } = require('stream');
const { Client, Query } = require('pg');
const copyStreams = require('pg-copy-streams');
const Cursor = require('pg-cursor');

const name = process.env.PEER;
const rides = name + '_rides';
const ssl = { ca: fs.readFileSync(process.env.PGSSLROOTCERT, 'utf8') };

// A timestamp is compared as the text that came.
const types = require('pg').types;
const asSent = { getTypeParser: (oid, format) => [1082, 1114, 1184, 1186].includes(oid) ? (text) => text : types.getTypeParser(oid, format) };

async function connected(call, options = {}) {
  const client = new Client({ ssl, ...options });
  await client.connect();
  try {
    return await call(client);
  } finally {
    await client.end();
  }
}

const checks = {
  async login(c) {
    assert.strictEqual(c.connection.stream.encrypted, true);
    assert.match((await c.query('SELECT version()')).rows[0].version, /Millrace/);
    await assert.rejects(connected(async () => {}, { password: 'wrong' }), { code: '28P01' });
  },

  async types(c) {
    const columns = ['a boolean', 'b smallint', 'c integer', 'd bigint', 'e real', 'f double precision',
      'g numeric(12,3)', 'h text', 'i bytea', 'j date', 'k time', 'l timestamp', 'm timestamptz', 'o uuid',
      'p jsonb', 'q integer[]', 'r text[]', 's numeric(5,2)[]', 't boolean[]', 'u json', 'v varchar(9)', 'w interval', 'x uuid[]', 'y double precision[]'];
    const sent = [true, -32768, 2147483647, '-9223372036854775808', 0.5, -1e300, '-12345.678',
      "héllo \\ 'quoted' \t 日本", Buffer.from([0, 1, 255]), '2026-02-28', '23:59:59.999999',
      '2026-01-01 10:42:31.123456', '2026-07-01 12:00:00+00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      { a: [1, 2.5, null] }, [1, 2, null], ['a', 'b c', 'd"e', null, 'NULL'], [1.5, null], [true, false],
      { b: 1 }, 'x y', '1 mon 2 days 00:00:03.5', ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', null], [0.5, -1e300]];
    await c.query(`CREATE STREAM ${name}_types (${columns.join(', ')})`);
    const places = columns.map((_, i) => `$${i + 1}`).join(', ');
    await c.query(`INSERT INTO ${name}_types VALUES (${places})`, sent);
    await c.query(`INSERT INTO ${name}_types VALUES (${places})`, sent.map(() => null));
    const answer = await c.query({ text: `SELECT * FROM ${name}_types ORDER BY b NULLS LAST`, rowMode: 'array', types: asSent });
    assert.deepStrictEqual(answer.rows, [sent, sent.map(() => null)]);
    assert.deepStrictEqual(answer.fields.map((field) => field.dataTypeID),
      [16, 21, 23, 20, 700, 701, 1700, 25, 17, 1082, 1083, 1114, 1184, 2950, 3802, 1007, 1009, 1231, 1000, 114, 1043, 1186, 2951, 1022]);
    const at = new Date('2026-07-01T12:00:00.123Z');
    assert.deepStrictEqual((await c.query('SELECT $1::timestamptz AS at', [at])).rows[0].at, at);
    const row = (await c.query({ text: "SELECT $1::int4 AS i, $2::bool AS b, 'x' AS t", values: [7, true], binary: true })).rows[0];
    assert.deepStrictEqual(row, { i: 7, b: true, t: 'x' });
  },

  async prepared(c) {
    for (let n = 0; n < 10; n++) {
      const answer = await c.query({ name: 'plus', text: 'SELECT $1::int + 1 AS n, $2 AS t', values: [n, 'x'] });
      assert.deepStrictEqual(answer.rows, [{ n: n + 1, t: 'x' }]);
    }
  },

  async copy(c) {
    await c.query(`CREATE STREAM ${name}_copy (a integer, b text)`);
    const lines = Array.from({ length: 500 }, (_, n) => `${n}\trow ${n}\n`);
    const into = c.query(copyStreams.from(`COPY ${name}_copy FROM STDIN`));
    await pipeline(Readable.from(lines), into);
    assert.strictEqual(into.rowCount, 500);
    let got = '';
    for await (const piece of c.query(copyStreams.to(`COPY (SELECT a, b FROM ${name}_copy ORDER BY a) TO STDOUT`))) {
      got += piece;
    }
    assert.strictEqual(got, lines.join(''));
    const bytes = [];
    for await (const piece of c.query(copyStreams.to(`COPY ${name}_copy TO STDOUT (FORMAT binary)`))) bytes.push(piece);
    await pipeline(Readable.from([Buffer.concat(bytes)]), c.query(copyStreams.from(`COPY ${name}_copy FROM STDIN (FORMAT binary)`)));
    await pipeline(Readable.from(['a,b\n1000,"x, y"\n']), c.query(copyStreams.from(`COPY ${name}_copy FROM STDIN (FORMAT csv, HEADER)`)));
    const [count] = (await c.query(`SELECT count(*)::int AS rows, count(DISTINCT (a, b))::int AS different FROM ${name}_copy`)).rows;
    assert.deepStrictEqual(count, { rows: 1001, different: 501 });
  },

  async cursor(c) {
    const cursor = c.query(new Cursor('SELECT n FROM generate_series(1, $1::int) AS n', [10]));
    assert.deepStrictEqual((await cursor.read(3)).map((row) => row.n), [1, 2, 3]);
    assert.strictEqual((await cursor.read(100)).length, 7);
    await cursor.close();
    assert.strictEqual((await c.query('SELECT 1 AS one')).rows[0].one, 1);
  },

  // node-pg has no call for it over TLS: the CancelRequest is written by hand.
  async cancel(c) {
    const query = c.query(new Query(`SUBSCRIBE TO ${rides} WITH (progress = true)`));
    const ended = new Promise((resolve) => query.on('error', resolve));
    query.once('row', () => cancelPlainly(c));
    assert.strictEqual((await ended).code, '57014');
    assert.strictEqual((await c.query('SELECT 1 AS one')).rows[0].one, 1);
  },

  async errors(c) {
    await assert.rejects(c.query('SELECT $1::int,\n nosuch', [1]), { code: '42703', severity: 'ERROR', position: '18' });
    await assert.rejects(c.query(`UPDATE ${rides} SET km = 1`), (error) => Boolean(error.hint));
  },

  async notify(c) {
    const heard = new Promise((resolve) => c.on('notification', resolve));
    await c.query(`LISTEN ${name}`);
    const pid = await connected(async (other) => {
      await other.query('SELECT pg_notify($1, $2)', [name, 'hello']);
      return other.processID;
    });
    const { channel, payload, processId } = await heard;
    assert.deepStrictEqual([channel, payload, processId], [name, 'hello', pid]);
  },

  async subscribe(c) {
    const seen = [];
    const query = c.query(new Query(`SUBSCRIBE (SELECT km FROM ${rides} WHERE city = 'Turku')`));
    const ended = new Promise((resolve) => query.on('error', resolve));
    await connected(async (other) => {
      query.on('row', async (row) => {
        seen.push([row.mr_diff, row.km]);
        if (seen.length === 2) cancelPlainly(c);
        else other.query(`INSERT INTO ${rides} VALUES ('Turku', 8)`);
      });
      await other.query(`INSERT INTO ${rides} VALUES ('Turku', 7)`);
      assert.strictEqual((await ended).code, '57014');
    });
    assert.deepStrictEqual(seen, [['1', '7'], ['1', '8']]);
  },

  async target(c) {
    for (const [city, km] of [['Oslo', 4], ['Bergen', 9], ['Oslo', 6]]) {
      await c.query(`INSERT INTO ${rides} VALUES ($1, $2)`, [city, km]);
    }
    await c.query('FLUSH');
    const target = new Client({ host: '127.0.0.1', port: process.env.PEER_TARGET_PORT, user: 'millrace',
      password: process.env.PEER_TARGET_PASSWORD, database: 'test', ssl: false });
    await target.connect();
    const { rows } = await target.query(
      `SELECT city, km::int AS km FROM ${name}_pg WHERE city IN ('Oslo', 'Bergen') ORDER BY city`);
    await target.end();
    assert.deepStrictEqual(rows, [{ city: 'Bergen', km: 9 }, { city: 'Oslo', km: 10 }]);
  },
};

// The 16 bytes of a CancelRequest, on a connection of their own.
function cancelPlainly(c) {
  const packet = Buffer.alloc(16);
  packet.writeInt32BE(16, 0);
  packet.writeInt32BE(80877102, 4);
  packet.writeInt32BE(c.processID, 8);
  packet.writeInt32BE(c.secretKey, 12);
  const socket = require('net').connect(process.env.PGPORT, process.env.PGHOST);
  socket.on('error', () => {});
  socket.end(packet);
}

(async () => {
  let failed = 0;
  for (const [check, call] of Object.entries(checks)) {
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('it takes too long')), 1000 * process.env.PEER_PATIENCE); });
    try {
      await Promise.race([connected(call), late]);
      console.log(`ok - ${check}`);
    } catch (error) {
      failed++;
      console.log(`not ok - ${check}`);
      for (const line of String(error.stack).split('\n').slice(0, 30)) console.log('#   ' + line);
    }
    clearTimeout(timer);
  }
  process.exit(failed);
})();
