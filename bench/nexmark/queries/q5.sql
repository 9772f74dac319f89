-- q5: Hot items: the auctions with most bids of the last ten seconds, every two seconds.
-- Differs: the window is in the result.
SELECT a.auction, a.num, a.window_start
FROM (SELECT auction, count(*) AS num, window_start, window_end
      FROM HOP(bid, date_time, INTERVAL '2 seconds', INTERVAL '10 seconds')
      GROUP BY auction, window_start, window_end) AS a
JOIN (SELECT max(num) AS maxn, window_start, window_end
      FROM (SELECT count(*) AS num, window_start, window_end
            FROM HOP(bid, date_time, INTERVAL '2 seconds', INTERVAL '10 seconds')
            GROUP BY auction, window_start, window_end) AS counted
      GROUP BY window_start, window_end) AS m
  ON a.window_start = m.window_start AND a.window_end = m.window_end AND a.num >= m.maxn;

-- The batch answer:
WITH hop AS (
  SELECT auction, date_bin(INTERVAL '2 seconds', date_time, TIMESTAMP '2000-01-01')
                  - k.i * INTERVAL '2 seconds' AS window_start
  FROM bid CROSS JOIN (VALUES (0), (1), (2), (3), (4)) AS k(i)),
counted AS (SELECT auction, window_start, count(*) AS num FROM hop GROUP BY auction, window_start)
SELECT c.auction, c.num, c.window_start
FROM counted AS c
JOIN (SELECT window_start, max(num) AS maxn FROM counted GROUP BY window_start) AS m
  ON c.window_start = m.window_start AND c.num >= m.maxn;
