import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.*;
import java.util.concurrent.*;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.util.PSQLException;

/** pgJDBC: named statements and binary results from the 5th use on, batches, fetch size, metadata. */
public final class Peer {
    private static final String NAME = System.getenv("PEER");
    private static final String RIDES = NAME + "_rides";

    private interface Check {
        void run(Connection c) throws Exception;
    }

    private static Connection connect(String... more) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", System.getenv("PGUSER"));
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        properties.setProperty("sslmode", "verify-full");
        properties.setProperty("sslrootcert", System.getenv("PGSSLROOTCERT"));
        for (int i = 0; i + 1 < more.length; i += 2) {
            properties.setProperty(more[i], more[i + 1]);
        }
        return DriverManager.getConnection("jdbc:postgresql://localhost:" + System.getenv("PGPORT") + "/"
            + System.getenv("PGDATABASE"), properties);
    }

    private static void equal(Object got, Object wanted) {
        if (!Objects.deepEquals(got, wanted)) {
            throw new AssertionError(got + " instead of " + wanted);
        }
    }

    private static void execute(Connection c, String sql) throws SQLException {
        try (Statement statement = c.createStatement()) {
            statement.execute(sql);
        }
    }

    private static Object one(Connection c, String sql) throws SQLException {
        try (Statement statement = c.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getObject(1);
        }
    }

    private static SQLException fails(Callable<?> call) throws Exception {
        try {
            call.call();
        } catch (SQLException error) {
            return error;
        }
        throw new AssertionError("no error");
    }

    private static void login(Connection c) throws Exception {
        equal(c.getMetaData().getDatabaseMajorVersion(), 15);
        equal(c.isValid(10), true);
        c.setClientInfo("ApplicationName", "a peer");
        equal(one(c, "SHOW application_name"), "a peer");
        equal(fails(() -> connect("password", "wrong")).getSQLState(), "28P01");
    }

    private static void types(Connection c) throws Exception {
        execute(c, "CREATE STREAM " + NAME + "_types (n integer, a boolean, b smallint, c integer, d bigint, e real, "
            + "f double precision, g numeric(12,3), h text, i bytea, j date, l timestamp, m timestamptz, o uuid, "
            + "q integer[], r text[])");
        Object[] sent = {
            true, 7, 2147483647, Long.MIN_VALUE, 0.5f, -1e30, new BigDecimal("-12345.678"), "h\u00e9llo '\\ \u65e5",
            new byte[] {0, 1, -1}, LocalDate.of(2026, 2, 28), LocalDateTime.of(2026, 1, 1, 10, 42, 31, 123456000),
            OffsetDateTime.of(2026, 7, 1, 12, 0, 0, 0, ZoneOffset.UTC), UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            c.createArrayOf("integer", new Integer[] {1, null, 3}), c.createArrayOf("text", new String[] {"a", "d\"e"})};
        try (PreparedStatement insert = c.prepareStatement("INSERT INTO " + NAME + "_types VALUES (?" + ", ?".repeat(15) + ")")) {
            for (int n = 0; n < 8; n++) {      // from the 5th on the parameters are sent in binary
                insert.setInt(1, n);
                for (int i = 0; i < sent.length; i++) {
                    insert.setObject(i + 2, sent[i]);
                }
                equal(insert.executeUpdate(), 1);
            }
            insert.setInt(1, 8);
            int[] kinds = {Types.BOOLEAN, Types.SMALLINT, Types.INTEGER, Types.BIGINT, Types.REAL, Types.DOUBLE, Types.NUMERIC,
                Types.VARCHAR, Types.BINARY, Types.DATE, Types.TIMESTAMP, Types.TIMESTAMP_WITH_TIMEZONE, Types.OTHER,
                Types.ARRAY, Types.ARRAY};
            for (int i = 0; i < kinds.length; i++) {
                insert.setNull(i + 2, kinds[i]);
            }
            equal(insert.executeUpdate(), 1);
        }
        try (PreparedStatement select = c.prepareStatement("SELECT * FROM " + NAME + "_types WHERE n = ?")) {
            for (int n = 0; n < 8; n++) {      // … and the rows come in binary
                select.setInt(1, n);
                try (ResultSet rows = select.executeQuery()) {
                    rows.next();
                    equal(rows.getBoolean(2), true);
                    equal(rows.getShort(3), (short) 7);
                    equal(rows.getInt(4), 2147483647);
                    equal(rows.getLong(5), Long.MIN_VALUE);
                    equal(rows.getFloat(6), 0.5f);
                    equal(rows.getDouble(7), -1e30);
                    equal(rows.getBigDecimal(8), sent[6]);
                    equal(rows.getString(9), sent[7]);
                    equal(rows.getBytes(10), sent[8]);
                    equal(rows.getObject(11, LocalDate.class), sent[9]);
                    equal(rows.getObject(12, LocalDateTime.class), sent[10]);
                    equal(rows.getObject(13, OffsetDateTime.class), sent[11]);
                    equal(rows.getObject(14), sent[12]);
                    equal(rows.getArray(15).getArray(), new Integer[] {1, null, 3});
                    equal(rows.getArray(16).getArray(), new String[] {"a", "d\"e"});
                    equal(rows.getTimestamp(13).toInstant().toString(), "2026-07-01T12:00:00Z");
                }
            }
            select.setInt(1, 8);
            try (ResultSet rows = select.executeQuery()) {
                rows.next();
                for (int i = 2; i <= 16; i++) {
                    equal(rows.getObject(i), null);
                }
            }
        }
    }

    /** Arrays of every type: as text first, in binary from the 5th use on. */
    private static void arrays(Connection c) throws Exception {
        Object[][] each = {
            {"bool", new Boolean[] {true, null}}, {"int2", new Short[] {-32768, null}}, {"int4", new Integer[] {1, null}},
            {"int8", new Long[] {Long.MIN_VALUE, null}}, {"float4", new Float[] {0.5f, null}}, {"float8", new Double[] {-1e300, null}},
            {"numeric", new BigDecimal[] {new BigDecimal("-12345.6780"), null}}, {"text", new String[] {"", "d\"e {,} \\", "NULL", null}},
            {"varchar", new String[] {"x y"}}, {"date", new java.sql.Date[] {java.sql.Date.valueOf("2026-02-28"), null}},
            {"timestamp", new Timestamp[] {Timestamp.valueOf("2026-01-01 10:42:31.123456"), null}},
            {"timestamptz", new Timestamp[] {Timestamp.from(java.time.Instant.parse("2026-07-01T12:00:00Z")), null}},
            {"uuid", new UUID[] {UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), null}},
            {"bytea", new byte[][] {{0, 1, -1}, {}}}};
        for (Object[] one : each) {
            try (PreparedStatement select = c.prepareStatement("SELECT ?::" + one[0] + "[]")) {
                for (int n = 0; n < 7; n++) {
                    select.setArray(1, c.createArrayOf((String) one[0], (Object[]) one[1]));
                    try (ResultSet rows = select.executeQuery()) {
                        rows.next();
                        equal(rows.getArray(1).getArray(), one[1]);
                    }
                }
            }
        }
    }

    private static void prepared(Connection c) throws Exception {
        try (PreparedStatement statement = c.prepareStatement("SELECT ?::int + 1, ? || 'x', ?::timestamptz")) {
            for (int n = 0; n < 12; n++) {
                statement.setInt(1, n);
                statement.setString(2, "t");
                statement.setTimestamp(3, new Timestamp(1000L * n));
                try (ResultSet rows = statement.executeQuery()) {
                    rows.next();
                    equal(rows.getInt(1), n + 1);
                    equal(rows.getString(2), "tx");
                    equal(rows.getTimestamp(3).getTime(), 1000L * n);
                }
            }
            equal(statement.getParameterMetaData().getParameterCount(), 3);
            equal(statement.getMetaData().getColumnType(1), Types.INTEGER);
        }
        c.setAutoCommit(false);
        execute(c, "INSERT INTO " + RIDES + " VALUES ('nowhere', 1)");
        Savepoint place = c.setSavepoint("place");
        fails(() -> one(c, "SELECT nosuch"));
        c.rollback(place);
        equal(one(c, "SELECT 1"), 1);
        c.rollback();
        c.setAutoCommit(true);
        equal(one(c, "SELECT count(*) FROM " + RIDES + " WHERE city = 'nowhere'"), 0L);
        c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        equal(c.getTransactionIsolation(), Connection.TRANSACTION_SERIALIZABLE);
        c.setAutoCommit(false);
        c.setReadOnly(true);
        equal(fails(() -> { execute(c, "INSERT INTO " + RIDES + " VALUES ('x', 1)"); return null; }).getSQLState(), "25006");
        c.rollback();
    }

    private static void batch(Connection c) throws Exception {
        for (String rewrite : new String[] {"false", "true"}) {
            try (Connection own = connect("reWriteBatchedInserts", rewrite);
                 PreparedStatement insert = own.prepareStatement("INSERT INTO " + RIDES + " VALUES (?, ?)")) {
                for (int n = 0; n < 200; n++) {
                    insert.setString(1, "Kiel" + rewrite);
                    insert.setLong(2, n);
                    insert.addBatch();
                }
                equal(insert.executeBatch().length, 200);
            }
            equal(one(c, "SELECT count(*) FROM " + RIDES + " WHERE city = 'Kiel" + rewrite + "'"), 200L);
        }
        try (Statement statement = c.createStatement()) {
            statement.addBatch("INSERT INTO " + RIDES + " VALUES ('Kiel', 1)");
            statement.addBatch("INSERT INTO " + RIDES + " VALUES ('Kiel', 'x')");
            equal(fails(statement::executeBatch).getSQLState(), "22P02");
        }
    }

    private static void copy(Connection c) throws Exception {
        execute(c, "CREATE STREAM " + NAME + "_copy (a integer, b text)");
        var copies = c.unwrap(PGConnection.class).getCopyAPI();
        equal(copies.copyIn("COPY " + NAME + "_copy FROM STDIN (FORMAT csv, HEADER)", new StringReader("a,b\n1,x\n2,\n3,\"q\"\"\"\n")), 3L);
        StringWriter out = new StringWriter();
        equal(copies.copyOut("COPY (SELECT a, b FROM " + NAME + "_copy ORDER BY a) TO STDOUT", out), 3L);
        equal(out.toString(), "1\tx\n2\t\\N\n3\tq\"\n");
        var bytes = new java.io.ByteArrayOutputStream();
        equal(copies.copyOut("COPY " + NAME + "_copy TO STDOUT (FORMAT binary)", bytes), 3L);
        equal(copies.copyIn("COPY " + NAME + "_copy FROM STDIN (FORMAT binary)", new java.io.ByteArrayInputStream(bytes.toByteArray())), 3L);
        equal(one(c, "SELECT count(DISTINCT (a, b)) FROM " + NAME + "_copy"), 3L);
        equal(fails(() -> copies.copyIn("COPY " + NAME + "_copy FROM STDIN", new StringReader("x\ty\n"))).getSQLState(), "22P02");
    }

    private static void fetchSize(Connection c) throws Exception {
        c.setAutoCommit(false);
        try (PreparedStatement statement = c.prepareStatement("SELECT n FROM generate_series(1, ?) AS n")) {
            statement.setFetchSize(7);
            statement.setInt(1, 100);
            try (ResultSet rows = statement.executeQuery()) {
                int n = 0;
                while (rows.next()) {
                    equal(rows.getInt(1), ++n);
                }
                equal(n, 100);
            }
        }
        c.commit();
    }

    private static void cursor(Connection c) throws Exception {
        c.setAutoCommit(false);
        try (Statement statement = c.createStatement()) {
            statement.execute("DECLARE c SCROLL CURSOR FOR SELECT n FROM generate_series(1, 5) AS n");
            equal(one(c, "FETCH LAST FROM c"), 5);
            equal(one(c, "FETCH RELATIVE -2 FROM c"), 3);
        }
        c.rollback();
    }

    private static void cancel(Connection c) throws Exception {
        try (Statement statement = c.createStatement()) {
            statement.setQueryTimeout(1);
            equal(fails(() -> statement.executeQuery("SUBSCRIBE TO " + RIDES)).getSQLState(), "57014");
            equal(one(c, "SELECT 1"), 1);
        }
    }

    private static void errors(Connection c) throws Exception {
        PSQLException error = (PSQLException) fails(() -> one(c, "SELECT 1,\n nosuch"));
        equal(error.getSQLState(), "42703");
        equal(error.getServerErrorMessage().getPosition(), 12);
        error = (PSQLException) fails(() -> { execute(c, "UPDATE " + RIDES + " SET km = 1"); return null; });
        equal(error.getServerErrorMessage().getHint() != null, true);
    }

    private static void notifications(Connection c) throws Exception {
        execute(c, "LISTEN " + NAME);
        try (Connection other = connect()) {
            execute(other, "SELECT pg_notify('" + NAME + "', 'hello')");
            PGNotification[] heard = c.unwrap(PGConnection.class).getNotifications(30000);
            equal(heard.length, 1);
            equal(heard[0].getName() + " " + heard[0].getParameter(), NAME + " hello");
            equal(heard[0].getPID(), other.unwrap(PGConnection.class).getBackendPID());
        }
    }

    private static void subscribe(Connection c) throws Exception {
        c.setAutoCommit(false);
        try (Connection other = connect(); Statement statement = c.createStatement()) {
            execute(other, "INSERT INTO " + RIDES + " VALUES ('Turku', 7)");
            statement.setFetchSize(1);
            List<Long> seen = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery("SUBSCRIBE (SELECT km FROM " + RIDES + " WHERE city = 'Turku')")) {
                while (seen.size() < 2 && rows.next()) {
                    seen.add(rows.getLong("km"));
                    execute(other, "INSERT INTO " + RIDES + " VALUES ('Turku', 8)");
                }
            }
            equal(seen, List.of(7L, 8L));
        }
        c.rollback();
    }

    private static Set<String> column(ResultSet rows, String name) throws SQLException {
        Set<String> found = new TreeSet<>();
        while (rows.next()) {
            found.add(rows.getString(name));
        }
        rows.close();
        return found;
    }

    private static void metadata(Connection c) throws Exception {
        execute(c, "CREATE TABLE " + NAME + "_cities (id integer PRIMARY KEY, name text NOT NULL)");
        execute(c, "CREATE VIEW " + NAME + "_long AS SELECT city FROM " + RIDES + " WHERE km > 100");
        DatabaseMetaData data = c.getMetaData();
        equal(column(data.getTables(null, "public", RIDES, new String[] {"TABLE"}), "TABLE_NAME"), Set.of(RIDES));
        equal(column(data.getTables(null, null, NAME + "_l%", new String[] {"VIEW", "MATERIALIZED VIEW"}), "TABLE_NAME"),
            Set.of(NAME + "_lite", NAME + "_long"));
        try (ResultSet rows = data.getColumns(null, "public", NAME + "_cities", null)) {
            rows.next();
            equal(rows.getString("COLUMN_NAME") + rows.getInt("DATA_TYPE") + rows.getInt("NULLABLE"), "id" + Types.INTEGER + "0");
            rows.next();
            equal(rows.getString("COLUMN_NAME") + rows.getString("TYPE_NAME"), "nametext");
        }
        equal(column(data.getPrimaryKeys(null, "public", NAME + "_cities"), "COLUMN_NAME"), Set.of("id"));
        equal(column(data.getIndexInfo(null, "public", NAME + "_cities", true, false), "COLUMN_NAME"), Set.of("id"));
        equal(column(data.getImportedKeys(null, "public", NAME + "_cities"), "FKCOLUMN_NAME"), Set.of());
        equal(column(data.getSchemas(), "TABLE_SCHEM").contains("public"), true);
        equal(column(data.getCatalogs(), "TABLE_CAT").contains(System.getenv("PGDATABASE")), true);
        equal(column(data.getTypeInfo(), "TYPE_NAME").contains("timestamptz"), true);
        column(data.getUDTs(null, null, null, null), "TYPE_NAME");
        column(data.getFunctions(null, null, "lower"), "FUNCTION_NAME");
        equal(data.getSQLKeywords().length() > 100, true);
        equal(data.getMaxColumnNameLength(), 63);
        try (Statement statement = c.createStatement(); ResultSet rows = statement.executeQuery("SELECT id, name FROM " + NAME + "_cities")) {
            ResultSetMetaData columns = rows.getMetaData();
            equal(columns.getColumnTypeName(2), "text");
            equal(columns.isNullable(1) >= 0, true);
            equal(columns.getTableName(1) != null, true);
        }
    }

    private static void target(Connection c) throws Exception {
        execute(c, "INSERT INTO " + RIDES + " VALUES ('Oslo', 4), ('Bergen', 9), ('Oslo', 6)");
        execute(c, "FLUSH");
        Properties properties = new Properties();
        properties.setProperty("user", "millrace");
        properties.setProperty("password", System.getenv("PEER_TARGET_PASSWORD"));
        properties.setProperty("sslmode", "disable");
        try (Connection target = DriverManager.getConnection(
                "jdbc:postgresql://127.0.0.1:" + System.getenv("PEER_TARGET_PORT") + "/test", properties)) {
            equal(one(target, "SELECT km FROM " + NAME + "_pg WHERE city = 'Oslo'"), 10L);
            equal(one(target, "SELECT km FROM " + NAME + "_pg WHERE city = 'Bergen'"), 9L);
        }
    }

    public static void main(String[] args) {
        Map<String, Check> checks = new LinkedHashMap<>();
        checks.put("login", Peer::login);
        checks.put("types", Peer::types);
        checks.put("arrays", Peer::arrays);
        checks.put("prepared", Peer::prepared);
        checks.put("batch", Peer::batch);
        checks.put("copy", Peer::copy);
        checks.put("fetch size", Peer::fetchSize);
        checks.put("cursor", Peer::cursor);
        checks.put("cancel", Peer::cancel);
        checks.put("errors", Peer::errors);
        checks.put("notify", Peer::notifications);
        checks.put("subscribe", Peer::subscribe);
        checks.put("metadata", Peer::metadata);
        checks.put("target", Peer::target);
        int failed = 0;
        ExecutorService threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
        });
        for (Map.Entry<String, Check> check : checks.entrySet()) {
            try {
                threads.submit(() -> {
                    try (Connection c = connect()) {
                        check.getValue().run(c);
                    }
                    return null;
                }).get(30, TimeUnit.SECONDS);
                System.out.println("ok - " + check.getKey());
            } catch (Exception error) {
                failed++;
                System.out.println("not ok - " + check.getKey());
                Throwable cause = error.getCause() == null ? error : error.getCause();
                System.out.println("#   " + String.valueOf(cause).replace("\n", "\n#   "));
                for (StackTraceElement line : Arrays.copyOf(cause.getStackTrace(), Math.min(12, cause.getStackTrace().length))) {
                    System.out.println("#     at " + line);
                }
            }
        }
        System.exit(failed);
    }
}
