-- q18: The last bid of a bidder on an auction.
SELECT auction, bidder, price, channel, url, date_time, extra
FROM (SELECT auction, bidder, price, channel, url, date_time, extra,
             ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC) AS rank
      FROM bid) AS ranked
WHERE rank <= 1;
