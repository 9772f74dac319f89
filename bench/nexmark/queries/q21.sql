-- q21: Add a channel number.
SELECT auction, bidder, price, channel,
       CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2'
            WHEN 'baidu' THEN '3' ELSE regexp_substr(url, '(&|^)channel_id=([^&]*)', 1, 1, '', 2) END AS channel_id
FROM bid
WHERE lower(channel) IN ('apple', 'google', 'facebook', 'baidu')
   OR regexp_substr(url, '(&|^)channel_id=([^&]*)', 1, 1, '', 2) IS NOT NULL;
