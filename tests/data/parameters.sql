-- Statements with parameters, one a line: tests/parameters_test.py compares what Parse says of them.
SELECT $1
SELECT $1 + 1
SELECT $1 + 1.5
SELECT $1 || 'x'
SELECT 'x' || $1
SELECT $1::int
SELECT $1::int + $2
SELECT -$1::numeric
SELECT $1 = 1
SELECT $1 = 'x'
SELECT $1 = $2
SELECT a FROM t WHERE a = $1
SELECT a FROM t WHERE b = $1
SELECT a FROM t WHERE a IN ($1, $2, 3)
SELECT a FROM t WHERE a = ANY($1)
SELECT a FROM t WHERE b LIKE $1
SELECT a FROM t WHERE c > $1
SELECT a FROM t WHERE c BETWEEN $1 AND $2
SELECT a FROM t WHERE c - $1 > d
SELECT c + $1 FROM t
SELECT c - $1 FROM t
SELECT d * $1 FROM t
SELECT e AND $1 FROM t
SELECT NOT $1
SELECT CASE WHEN $1 THEN a ELSE $2 END FROM t
SELECT CASE a WHEN $1 THEN 'x' ELSE $2 END FROM t
SELECT coalesce($1, 2)
SELECT coalesce($1, $2)
SELECT coalesce(b, $1) FROM t
SELECT greatest($1, 1.5)
SELECT nullif($1, 5)
SELECT a FROM t LIMIT $1
SELECT a FROM t OFFSET $1
SELECT a FROM t ORDER BY a LIMIT $1 OFFSET $2
SELECT sum(a) FILTER (WHERE a > $1) FROM t
SELECT count(*) FROM t GROUP BY a HAVING count(*) > $1
SELECT lower($1)
SELECT length($1)
SELECT abs($1::int)
SELECT date_trunc($1, c) FROM t
SELECT date_trunc('day', $1::timestamptz)
SELECT substring($1 from 1 for 2)
SELECT upper(b) || $1 FROM t
SELECT concat($1::text, $2::int)
SELECT round($1::numeric, $2)
SELECT $1::text[]
SELECT $1 = ANY(ARRAY[1,2])
SELECT ARRAY[$1, 2]
SELECT ARRAY[$1::text, $2]
SELECT $1 IS NULL
SELECT $1::text IS NULL
SELECT $1 IS NOT DISTINCT FROM a FROM t
SELECT a FROM t WHERE (a, b) = ($1, $2)
SELECT $1::date - $2
SELECT $1::date + $2
SELECT $1::timestamp - $2::timestamp
SELECT $1::interval * $2
SELECT $1::jsonb -> $2
SELECT f ->> $1 FROM t
SELECT f @> $1 FROM t
SELECT x.a FROM (SELECT $1 AS a) x
SELECT a FROM t UNION ALL SELECT $1
VALUES ($1, 2), (3, $2)
SELECT * FROM (VALUES ($1), ('x')) v(a)
SELECT * FROM generate_series($1, 10) AS n
SELECT * FROM generate_series(1, $1::bigint) AS n
SELECT a FROM t WHERE EXISTS (SELECT 1 FROM t u WHERE u.a = $1)
SELECT (SELECT $1::int)
SELECT extract(year FROM $1::date)
SELECT $1 AT TIME ZONE 'UTC'
SELECT c AT TIME ZONE $1 FROM t
SELECT to_char($1::timestamp, $2)
SELECT replace(b, $1, $2) FROM t
SELECT position($1 in b) FROM t
SELECT b ~ $1 FROM t
SELECT g[$1] FROM t
SELECT g || $1 FROM t
SELECT $1 % 3
SELECT 10 / $1
SELECT $1 / $2::float8
SELECT power($1, 2)
SELECT mod($1, 3)
SELECT random() < $1
SELECT INTERVAL '1 day' * $1
SELECT now() - $1
SELECT $2::text, $1::int
SELECT $1::varchar
SELECT $1::varchar(3)
SELECT CAST($1 AS numeric(5,2))
SELECT $1 > $2::date
SELECT left($1, 2)
SELECT lpad($1, $2)
SELECT string_agg(b, $1) FROM t
SELECT array_agg($1::int)
SELECT $1 UNION SELECT 2
SELECT unnest($1::int[])
SELECT a FROM t WHERE a > ALL($1)
SELECT h = $1 FROM t
SELECT i < $1 FROM t
INSERT INTO t (a, b, c, d, e) VALUES ($1, $2, $3, $4, $5)
INSERT INTO t (a, d) SELECT $1, $2
INSERT INTO t (a, d) VALUES ($1 + 1, $2 * 2)
UPDATE t SET b = $1, d = d + $2 WHERE a = $3
DELETE FROM t WHERE b = $1 OR c < $2
SELECT $1, $1 + 1
SELECT $1::int, $1
SELECT $1 || $2
SELECT $1 + $2
SELECT foo.x + $1 FROM (SELECT 1 AS x) foo
SELECT row_number() OVER (ORDER BY a) + $1 FROM t
SELECT lag(a, $1) OVER (ORDER BY a) FROM t
SELECT lag(a, 1, $1) OVER (ORDER BY a) FROM t
SELECT json_build_object($1::text, $2::int)
SELECT make_date($1, $2, $3)
SELECT to_timestamp($1)
SELECT date_part($1, c) FROM t
SELECT width_bucket($1, 0, 10, 5)
SELECT $1 BETWEEN 1 AND 10
SELECT a::text = $1 FROM t
SELECT a = $1::bigint FROM t
SELECT d = $1::int FROM t
WITH x AS (SELECT $1::int AS a) SELECT a + $2 FROM x
