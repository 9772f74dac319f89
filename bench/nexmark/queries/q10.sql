-- q10: Log to a file system.
-- Differs: into a table, with the partition columns of the published text.
SELECT auction, bidder, price, date_time, extra,
       to_char(date_time, 'YYYY-MM-DD') AS dt, to_char(date_time, 'HH24:MI') AS hm
FROM bid;
