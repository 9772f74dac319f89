-- q12: Processing time windows: bids of a bidder in ten seconds of arrival.
SELECT bidder, count(*) AS bid_count, window_start AS starttime, window_end AS endtime
FROM TUMBLE(bid, _arrival, INTERVAL '10 seconds')
GROUP BY bidder, window_start, window_end;

-- The batch answer:
SELECT bidder, count(*) AS bid_count, starttime, starttime + INTERVAL '10 seconds' AS endtime
FROM (SELECT bidder, date_bin(INTERVAL '10 seconds', arrival, TIMESTAMP '2000-01-01') AS starttime
      FROM bid_arrival) AS b
GROUP BY bidder, starttime;
