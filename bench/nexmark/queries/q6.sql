-- q6: Average selling price by seller, over the last ten auctions that they closed.
-- Differs: the published text is valid nowhere (its frame needs an order over rows that still change); here the winning bid of each auction is the first of its rank, and the average runs over the bids' times.
SELECT seller, auction, avg(final) OVER (
         PARTITION BY seller ORDER BY date_time ROWS BETWEEN 10 PRECEDING AND CURRENT ROW) AS average
FROM (SELECT a.seller, a.id AS auction, b.price AS final, b.date_time,
             ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time) AS rank
      FROM auction AS a JOIN bid AS b ON a.id = b.auction
      WHERE b.date_time BETWEEN a.date_time AND a.expires) AS won
WHERE rank <= 1;
