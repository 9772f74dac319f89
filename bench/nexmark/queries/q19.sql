-- q19: The ten highest bids of an auction.
-- Differs: of equal prices the earlier is first (published: either).
SELECT auction, bidder, price, channel, url, date_time, extra, rank
FROM (SELECT auction, bidder, price, channel, url, date_time, extra,
             ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC, date_time) AS rank
      FROM bid) AS ranked
WHERE rank <= 10;
