-- examples/wikipedia.sql - a day of edits on all Wikipedias, answered while it streams in.
-- Run by ./quickstart:  millrace -v file=/path/to/edits.jsonl -f examples/wikipedia.sql

-- A stream whose rows come from a file of JSON lines; members match columns by name.  The file's
-- own time drives the windows: no row more than ten seconds older than the newest is expected.
CREATE STREAM edits (
    "time"      timestamp,
    channel     text,
    page        text,
    "user"      text,
    "isRobot"   boolean,
    added       bigint,
    deleted     bigint,
    WATERMARK FOR "time" AS "time" - INTERVAL '10' SECOND
) WITH (connector = 'file', format = 'json', path = :'file', at_end = 'close');

-- Each of these is a standing query; its table in SQLite is kept true from now on.
CREATE MATERIALIZED VIEW per_hour AS
    SELECT window_start, count(*) AS edits, sum(added) AS added,
           count(DISTINCT "user") AS users, count(*) FILTER (WHERE "isRobot") AS by_robots
    FROM TUMBLE(edits, "time", INTERVAL '1' HOUR)
    GROUP BY window_start;

CREATE MATERIALIZED VIEW channels AS
    SELECT channel, count(*) AS edits, sum(added) - sum(deleted) AS growth
    FROM edits
    GROUP BY channel;

CREATE MATERIALIZED VIEW busy_pages AS
    SELECT window_start, page, count(*) AS edits, count(DISTINCT "user") AS users
    FROM HOP(edits, "time", INTERVAL '15' MINUTE, INTERVAL '1' HOUR)
    GROUP BY window_start, page
    HAVING count(*) >= 5
    EMIT ON WINDOW CLOSE;

-- Returns when every row of the file is counted in every table.
FLUSH;
