-- tests/flink/queries.sql - queries that a Flink cluster must answer as this server does (flink_test.py asks both).
-- Statements end with a semicolon at a line's end.  CREATE STREAM and INSERT come first; each
-- statement after them is the query of a view, named by the comment line above it.
CREATE STREAM rides (at timestamp(3) NOT NULL, id int NOT NULL, city text NOT NULL, driver text,
    km numeric(8,2), n int, big bigint, x double precision, ok boolean, day date,
    WATERMARK FOR at AS at - INTERVAL '5' SECOND);
CREATE STREAM edits (at timestamptz NOT NULL, page text NOT NULL, username text, added bigint NOT NULL,
    WATERMARK FOR at AS at - INTERVAL '10' SECOND);
INSERT INTO rides VALUES
    ('2026-01-01 00:00:01', 1, 'Oslo', 'ann', 1.25, 7, 9223372036854775000, 0.5, true, '2026-01-01'),
    ('2026-01-01 00:00:03.250', 2, 'Bergen', 'bob', 2.50, -7, 9223372036854775001, -1.5, false, '2025-12-31'),
    ('2026-01-01 00:00:02.999', 3, 'Oslo', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('2026-01-01 00:00:09', 4, 'a_b%c', 'it''s', 12.345, 10, 3, 2.25, true, '2024-02-29'),
    ('2026-01-01 00:00:10', 5, 'Oslo', 'bob', 0.01, 3, -5, 100, true, '2026-01-01'),
    ('2026-01-01 00:00:29.999', 6, 'Bergen', 'ann', 999999.99, 2147483647, 42, 1e300, NULL, '1999-12-31'),
    ('2026-01-01 00:00:30', 7, 'Trondheim', '', -3.50, -2147483648, -42, -0.25, false, '2026-03-01'),
    ('2026-01-01 00:00:31.5', 8, 'Oslo', '  cy ', 4.00, 0, 0, 0, true, '2026-06-30'),
    ('2026-01-01 00:01:00', 9, 'Oslo', 'ann', 5.55, 2, 1, 3, true, '2026-07-01'),
    ('2026-01-01 00:01:59.999', 10, 'Bergen', 'dan', 6.66, 5, 2, 4, false, '2026-12-31'),
    ('2026-01-01 00:05:00', 11, 'Trondheim', 'ann', 7.77, 1, 3, 5, true, '2027-01-01');
INSERT INTO edits VALUES
    ('2026-01-01 00:00:00.000001+00', 'Main', 'ann', 10),
    ('2026-01-01 00:00:04.999999+00', 'Main', 'bob', -3),
    ('2026-01-01 00:00:03+00', 'Help', NULL, 5),
    ('2026-01-01 00:00:10.5+00', 'Main', 'ann', 7),
    ('2026-01-01 00:00:59.999999+00', 'Help', 'cy', 1),
    ('2026-01-01 00:01:00+00', 'Main', 'bob', 100),
    ('2026-01-01 00:01:30.123456+00', 'Talk', 'ann', 2),
    ('2026-01-01 00:04:00+00', 'Main', 'dan', 4);

-- busy
SELECT window_start, page, count(*) AS edits, sum(added) AS added
FROM TUMBLE(edits, at, INTERVAL '1' MINUTE) GROUP BY window_start, page EMIT ON WINDOW CLOSE;

-- hops
SELECT window_start, window_end, city, count(*) AS rides, count(driver) AS drivers
FROM HOP(rides, at, INTERVAL '10' SECOND, INTERVAL '30' SECOND)
GROUP BY window_start, window_end, city EMIT ON WINDOW CLOSE;

-- grows
SELECT window_start, window_end, count(*) AS rides, sum(n) AS n
FROM CUMULATE(rides, at, INTERVAL '20' SECOND, INTERVAL '1' MINUTE)
GROUP BY window_start, window_end EMIT ON WINDOW CLOSE;

-- extremes
SELECT window_end, max(x) AS x, min(city) AS city
FROM TUMBLE(rides, at, INTERVAL '1' MINUTE)
GROUP BY window_start, window_end EMIT ON WINDOW CLOSE;

-- sessions
SELECT window_start, window_end, city, count(*) AS rides
FROM SESSION(rides PARTITION BY city, at, INTERVAL '30' SECOND)
GROUP BY window_start, window_end, city EMIT ON WINDOW CLOSE;

-- by_minute
SELECT date_trunc('minute', at) AS minute, count(*) AS rides FROM rides GROUP BY 1 EMIT ON WINDOW CLOSE;

-- having_window
SELECT window_start, city, sum(km) AS km FROM TUMBLE(rides, at, INTERVAL '30' SECOND)
WHERE ok IS NOT FALSE GROUP BY window_start, city HAVING count(*) > 1 OR city = 'Bergen' EMIT ON WINDOW CLOSE;

-- best_of_window
SELECT window_start, window_end, city, rides, place FROM (
    SELECT *, row_number() OVER (PARTITION BY window_start, window_end ORDER BY rides DESC, city) AS place FROM (
        SELECT window_start, window_end, city, count(*) AS rides FROM TUMBLE(rides, at, INTERVAL '1' MINUTE)
        GROUP BY window_start, window_end, city) w) t
WHERE place <= 2 EMIT ON WINDOW CLOSE;

-- totals
SELECT city, count(*) AS c, count(n) AS cn, count(DISTINCT driver) AS d, sum(n) AS n, sum(big) AS big,
    sum(km) AS km, sum(x) AS x, min(at) AS first, max(day) AS last, avg(n) AS an, avg(big) AS abig,
    avg(km) AS akm, avg(x) AS ax, bool_and(ok) AS all_ok, bool_or(ok) AS any_ok,
    count(*) FILTER (WHERE n > 0) AS above, sum(DISTINCT n) AS dn, min(driver) AS a, max(x) AS mx
FROM rides GROUP BY city;

-- distinct_pairs
SELECT DISTINCT city, ok IS TRUE AS is_ok FROM rides;

-- filtered
SELECT _seq, id, city, n, n / 2 AS half, n % 3 AS rest, -km AS less, km * 2 AS twice, km + 1 AS more, x * 2 AS xx, x / 4 AS quarter
FROM rides WHERE n > -100 AND (city LIKE 'O%' OR NOT ok OR driver IS NULL) AND _seq > 0 AND id IN (1, 2, 5, 8);

-- checked
SELECT id, min(n - 1) AS less, max(n * 2) AS twice, sum(big - 1) AS b, min(abs(n)) AS a, max(-n) AS neg
FROM rides WHERE n BETWEEN -1000 AND 1000 GROUP BY id;

-- texts
SELECT id, min(upper(city) || '/' || lower(city)) AS a, min(length(city)) AS b, min(substring(city FROM 2 FOR 3)) AS c,
    min(left(city, 2)) AS d, min(right(city, 2)) AS e, min(position('o' IN city)) AS f, min(trim(driver)) AS g,
    min(replace(city, 'o', 'oo')) AS h, min(reverse(city)) AS i, min(split_part(city, '_', 2)) AS j, min(md5(city)) AS k,
    min(ltrim(driver) || '|') AS l, min(rtrim(driver) || '|') AS m
FROM rides GROUP BY id;

-- likes
SELECT id, bool_and(city LIKE 'a\_b\%_') AS a, bool_and(city LIKE '%\%%') AS b, bool_and(city NOT LIKE '_s%') AS c,
    bool_and(city LIKE 'Oslo') AS d, bool_and(driver LIKE '') AS e, bool_and(city LIKE '%!%') AS f FROM rides GROUP BY id;

-- cases
SELECT id, min(CASE WHEN n > 5 THEN 'many' WHEN n IS NULL THEN 'none' ELSE 'x' END) AS a,
    min(CASE city WHEN 'Oslo' THEN 1 WHEN 'Bergen' THEN 2 END) AS b, min(coalesce(driver, city, '?')) AS c,
    min(nullif(city, 'Oslo')) AS d, min(greatest(n, 3)) AS e, min(least(n, 3, big)) AS f,
    bool_and(n IS DISTINCT FROM 7) AS g, bool_and(ok IS NOT TRUE) AS h, bool_and(n = 7 OR ok) AS i, bool_and(n NOT IN (7, 10)) AS j
FROM rides GROUP BY id;

-- casts
SELECT id, min(n::text) AS a, min(ok::text) AS b, min(day::text) AS c, min(at::text) AS d, min(km::text) AS e, min(n::bigint) AS f,
    min(n::double precision) AS g, min(km::int) AS h, min(at::date) AS i, min(n::numeric) AS j, min(km::numeric(8,1)) AS k,
    min(km::double precision) AS l, min(day::timestamp) AS m
FROM rides GROUP BY id;

-- numbers
SELECT id, min(round(km, 1)) AS a, min(round(km)) AS b, min(floor(km)) AS c, min(ceil(km)) AS d, min(abs(km)) AS e, min(floor(x)) AS f,
    min(ceil(x)) AS g, min(abs(x)) AS h, min(km - 0.125) AS i, min(km * km) AS j
FROM rides WHERE km < 1000 GROUP BY id;

-- times
SELECT id, min(date_trunc('hour', at)) AS a, min(date_trunc('month', at)) AS b, min(extract(hour FROM at)) AS c, min(extract(year FROM at)) AS d,
    min(extract(dow FROM at)) AS e, min(extract(doy FROM at)) AS f, min(at + INTERVAL '1' DAY) AS g, min(at - INTERVAL '90' SECOND) AS h,
    min(at + INTERVAL '1' MONTH) AS i, bool_and(at >= TIMESTAMP '2026-01-01 00:00:30') AS j, min(date_trunc('second', at)) AS k,
    min(extract(isodow FROM at)) AS l, bool_and(day > DATE '2026-01-01') AS m, min(date_part('minute', at)) AS n
FROM rides GROUP BY id;

-- moments
SELECT page, min(at) AS a, max(at + INTERVAL '0.5' SECOND) AS b, max(at::text) AS c, max(date_trunc('minute', at)) AS d FROM edits GROUP BY page;

-- places
SELECT _seq, page, added FROM edits WHERE username IS NOT NULL;

-- joined
SELECT r.id, e.page, count(*) AS c FROM rides r JOIN edits e ON r.driver = e.username GROUP BY r.id, e.page;

-- left_joined
SELECT r.id, max(e.added) AS m, count(e.page) AS c FROM rides r LEFT JOIN edits e ON r.driver = e.username AND e.added > 5 GROUP BY r.id;

-- full_joined
SELECT coalesce(r.city, '-') AS city, coalesce(e.page, '-') AS page, count(*) AS c
FROM rides r FULL JOIN edits e ON r.driver = e.username GROUP BY 1, 2;

-- near
SELECT r.id, e.added, e.page, count(*) AS c FROM rides r JOIN edits e
ON r.driver = e.username AND e.at BETWEEN r.at::timestamptz - INTERVAL '30' SECOND AND r.at::timestamptz + INTERVAL '30' SECOND
GROUP BY r.id, e.added, e.page;

-- near_same
SELECT a.added AS a, b.added AS b, count(*) AS c FROM edits a JOIN edits b
ON a.page = b.page AND b.at BETWEEN a.at AND a.at + INTERVAL '10.5' SECOND GROUP BY a.added, b.added;

-- with_match
SELECT id, count(*) AS c FROM rides r WHERE EXISTS (SELECT 1 FROM edits e WHERE e.username = r.driver AND e.added > r.n) GROUP BY id;

-- without_match
SELECT id, count(*) AS c FROM rides r WHERE NOT EXISTS (SELECT 1 FROM edits e WHERE e.username = r.driver) GROUP BY id;

-- in_query
SELECT id, count(*) AS c FROM rides WHERE driver IN (SELECT username FROM edits WHERE added > 6) GROUP BY id;

-- united
SELECT kind, count(*) AS c, sum(v) AS v FROM (SELECT 'ride' AS kind, n::bigint AS v FROM rides UNION ALL SELECT 'an edit', added FROM edits) u GROUP BY kind;

-- names
SELECT city AS name FROM rides UNION SELECT page FROM edits;

-- common
SELECT driver FROM rides WHERE driver IS NOT NULL INTERSECT SELECT username FROM edits;

-- rest
SELECT driver FROM rides WHERE driver IS NOT NULL EXCEPT SELECT username FROM edits;

-- largest
SELECT city, id, km, place FROM (SELECT city, id, km, row_number() OVER (PARTITION BY city ORDER BY km DESC NULLS LAST) AS place FROM rides) t WHERE place <= 2;

-- first_of_city
SELECT DISTINCT ON (city) city, id, n FROM rides ORDER BY city, n NULLS FIRST;

-- nested
WITH per_city AS (SELECT city, count(*) AS c, sum(n) AS n FROM rides GROUP BY city)
SELECT c, count(*) AS cities, max(n) AS n FROM per_city GROUP BY c;

-- quoted
SELECT city, count(*) AS c, min('a''`"\') AS q FROM rides WHERE driver = 'it''s' OR city <> '' GROUP BY city;

-- best_pages
WITH per_page AS (SELECT window_start, window_end, page, sum(added) AS added FROM TUMBLE(edits, at, INTERVAL '1' MINUTE)
        GROUP BY window_start, window_end, page),
    best AS (SELECT window_start, window_end, max(added) AS added FROM per_page GROUP BY window_start, window_end)
SELECT p.window_start, p.page, p.added, count(*) AS c FROM per_page p
JOIN best b ON p.window_start = b.window_start AND p.window_end = b.window_end AND p.added = b.added
GROUP BY p.window_start, p.window_end, p.page, p.added EMIT ON WINDOW CLOSE;

-- per_window
SELECT window_start, window_end, max(rides) AS most, count(*) AS cities FROM (
    SELECT window_start, window_end, city, count(*) AS rides FROM HOP(rides, at, INTERVAL '30' SECOND, INTERVAL '1' MINUTE)
    GROUP BY window_start, window_end, city) w
GROUP BY window_start, window_end EMIT ON WINDOW CLOSE;

-- running
SELECT _seq, city, n, sum(n) OVER w AS total, count(*) OVER w AS c, avg(big) OVER w AS mean, max(km) OVER w AS most FROM rides
WINDOW w AS (PARTITION BY city ORDER BY at RANGE BETWEEN INTERVAL '30' SECOND PRECEDING AND CURRENT ROW) EMIT ON WINDOW CLOSE;

-- last_rows
SELECT _seq, count(driver) OVER (ORDER BY at ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS c FROM rides EMIT ON WINDOW CLOSE;

-- so_far
SELECT id, _seq, sum(km) OVER (PARTITION BY city ORDER BY at) AS km FROM rides WHERE km > 0 EMIT ON WINDOW CLOSE;

-- pairs
SELECT r._seq AS r, e._seq AS e, r.city, e.page, e.added FROM rides r JOIN edits e ON r.driver = e.username WHERE e.added > 1;

-- near_pairs
SELECT a._seq AS a, b._seq AS b, a.at, b.added FROM edits a JOIN edits b
ON a.page = b.page AND b.at BETWEEN a.at AND a.at + INTERVAL '30' SECOND AND a._seq <> b._seq;
