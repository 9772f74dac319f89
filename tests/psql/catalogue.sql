\d
\d+
\d edits
\d+ edits
\d items
\d loose
\d cheap
\d+ cheap
\d busy
\d+ busy
\d items_pkey
\d loose_a
\d+ loose_a
\d busy_page_edits_idx
\dt
\dv
\dm
\di
\di+ loose*
\ds
\dE
\dn
\du
\l
\df lower
\df now
\dfw lag
\dT int8
\dT name
\dC oid
\do ||
\da bool_and
\dx
\dp items
\db
\dO
\dd
\dL
\dA
\dD
\dRp
\dRs
\dF
\dy
\des
\det
\dew
\d outside
\df twice
\df+ twice
\sf twice
\dd twice
\dconfig work_memory
\sv cheap
\sf lower
\dt pg_catalog.pg_cl*
\dS millrace.connections
SET catalog_matview_kind = 'v';
\d
\d busy
SET search_path = millrace, public;
\d items
\dt
\dv streams
SET search_path = information_schema;
\dt
\d public.loose
RESET search_path;
