-- q8: Monitor new users: who came and opened an auction in the same ten seconds?
SELECT p.id, p.name, p.window_start AS starttime
FROM (SELECT id, name, window_start, window_end
      FROM TUMBLE(person, date_time, INTERVAL '10 seconds')
      GROUP BY id, name, window_start, window_end) AS p
JOIN (SELECT seller, window_start, window_end
      FROM TUMBLE(auction, date_time, INTERVAL '10 seconds')
      GROUP BY seller, window_start, window_end) AS a
  ON p.id = a.seller AND p.window_start = a.window_start AND p.window_end = a.window_end;

-- The batch answer:
SELECT DISTINCT p.id, p.name, date_bin(INTERVAL '10 seconds', p.date_time, TIMESTAMP '2000-01-01') AS starttime
FROM person AS p JOIN auction AS a ON p.id = a.seller
 AND date_bin(INTERVAL '10 seconds', p.date_time, TIMESTAMP '2000-01-01')
   = date_bin(INTERVAL '10 seconds', a.date_time, TIMESTAMP '2000-01-01');
