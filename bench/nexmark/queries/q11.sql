-- q11: User sessions: bids of a bidder less than ten seconds apart.
-- Differs: on event time (published: on processing time).
SELECT bidder, count(*) AS bid_count, window_start AS starttime, window_end AS endtime
FROM SESSION(bid PARTITION BY bidder, date_time, INTERVAL '10 seconds')
GROUP BY bidder, window_start, window_end;

-- The batch answer:
SELECT bidder, count(*) AS bid_count, min(date_time) AS starttime,
       max(date_time) + INTERVAL '10 seconds' AS endtime
FROM (SELECT bidder, date_time, sum(CASE WHEN begins THEN 1 ELSE 0 END)
               OVER (PARTITION BY bidder ORDER BY date_time) AS session
      FROM (SELECT bidder, date_time,
                   coalesce(date_time - lag(date_time) OVER (PARTITION BY bidder ORDER BY date_time)
                            >= INTERVAL '10 seconds', true) AS begins
            FROM bid) AS marked) AS numbered
GROUP BY bidder, session;
