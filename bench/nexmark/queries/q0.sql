-- q0: Pass-through: the cost of reading and writing.
SELECT auction, bidder, price, date_time, extra FROM bid;
