-- q7: Highest bid of every ten seconds.
-- Differs: a bid at the edge belongs to the later window only (published: BETWEEN, to both).
SELECT b.auction, b.price, b.bidder, b.date_time, b.extra
FROM bid AS b
JOIN (SELECT max(price) AS maxprice, window_start, window_end
      FROM TUMBLE(bid, date_time, INTERVAL '10 seconds')
      GROUP BY window_start, window_end) AS m
  ON b.price = m.maxprice AND b.date_time >= m.window_start AND b.date_time < m.window_end;

-- The batch answer:
WITH m AS (
  SELECT max(price) AS maxprice, date_bin(INTERVAL '10 seconds', date_time, TIMESTAMP '2000-01-01') AS window_start
  FROM bid GROUP BY 2)
SELECT b.auction, b.price, b.bidder, b.date_time, b.extra
FROM bid AS b JOIN m ON b.price = m.maxprice AND b.date_time >= m.window_start
  AND b.date_time < m.window_start + INTERVAL '10 seconds';
