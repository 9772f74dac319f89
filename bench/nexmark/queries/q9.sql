-- q9: Winning bids.
-- Differs: columns of the bid that are named as the auction's have another name.
SELECT id, item_name, initial_bid, reserve, date_time, expires, seller, category,
       auction, bidder, price, bid_date_time, bid_extra
FROM (SELECT a.id, a.item_name, a.initial_bid, a.reserve, a.date_time, a.expires, a.seller, a.category,
             b.auction, b.bidder, b.price, b.date_time AS bid_date_time, b.extra AS bid_extra,
             ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time) AS rank
      FROM auction AS a JOIN bid AS b ON a.id = b.auction
      WHERE b.date_time BETWEEN a.date_time AND a.expires) AS ranked
WHERE rank <= 1;
