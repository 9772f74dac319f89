//! tokio-postgres: the extended protocol with binary values only, pipelines, its own COPY and cancel.
use std::env;
use std::error::Error;
use std::future::Future;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::{pin_mut, SinkExt, StreamExt, TryStreamExt};
use openssl::ssl::{SslConnector, SslMethod};
use tokio::sync::mpsc;
use tokio_postgres::binary_copy::{BinaryCopyInWriter, BinaryCopyOutStream};
use tokio_postgres::types::Type;
use tokio_postgres::{AsyncMessage, CancelToken, Client, Config, NoTls, SimpleQueryMessage};

use tls::MakeTls;

mod tls;

type Outcome = Result<(), Box<dyn Error>>;

const PATIENCE: Duration = Duration::from_secs(30);

fn var(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn name() -> String {
    var("PEER")
}

fn rides() -> String {
    name() + "_rides"
}

fn tls() -> MakeTls {
    let mut builder = SslConnector::builder(SslMethod::tls()).expect("OpenSSL");
    builder.set_ca_file(var("PGSSLROOTCERT")).expect("the server's certificate");
    MakeTls(builder.build())
}

fn config() -> Config {
    let mut config = Config::new();
    config.host("localhost").port(var("PGPORT").parse().expect("PGPORT")).user(&var("PGUSER"));
    config.password(var("PGPASSWORD")).dbname(&var("PGDATABASE"));
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    config
}

/// A client, and the notifications that come to it.
async fn listening() -> Result<(Client, mpsc::UnboundedReceiver<(String, String)>), Box<dyn Error>> {
    let (client, mut connection) = config().connect(tls()).await?;
    let (send, receive) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
        pin_mut!(messages);
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(note) = message {
                let _ = send.send((note.channel().to_string(), note.payload().to_string()));
            }
        }
    });
    Ok((client, receive))
}

async fn connected() -> Result<Client, Box<dyn Error>> {
    Ok(listening().await?.0)
}

fn equal<T: PartialEq + std::fmt::Debug>(got: T, wanted: T) -> Outcome {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{got:?} instead of {wanted:?}").into())
}

fn state(error: &tokio_postgres::Error) -> String {
    error.code().map_or_else(|| error.to_string(), |code| code.code().to_string())
}

async fn login() -> Outcome {
    let client = connected().await?;
    let version: String = client.query_one("SELECT version()", &[]).await?.get(0);
    equal(version.contains("Millrace"), true)?;
    match config().password("wrong").connect(tls()).await {
        Ok(_) => Err("it let a wrong password in".into()),
        Err(error) => equal(state(&error), "28P01".to_string()),
    }
}

async fn types() -> Outcome {
    let client = connected().await?;
    let stream = name() + "_types";
    client.batch_execute(&format!(
        "CREATE STREAM {stream} (a boolean, b smallint, c integer, d bigint, e real, f double precision, h text, \
         i bytea, m timestamptz, o uuid, p jsonb, q integer[], r text[])")).await?;
    let at = UNIX_EPOCH + Duration::from_micros(1_782_907_200_123_456);
    let id = uuid::Uuid::from_u128(0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11);
    let json = serde_json::json!({"a": [1, 2.5, null]});
    let numbers = vec![Some(1), None, Some(3)];
    let words = vec!["a", "b c", "d\"e", "NULL"];
    let text = "héllo \\ 'quoted' \t 日本";
    client.execute(
        &format!("INSERT INTO {stream} VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"),
        &[&true, &-32768i16, &i32::MAX, &i64::MIN, &0.5f32, &-1e30f64, &text, &&[0u8, 1, 255][..], &at, &id, &json,
          &numbers, &words]).await?;
    let row = client.query_one(&format!("SELECT * FROM {stream}"), &[]).await?;
    equal((row.get(0), row.get(1), row.get(2), row.get(3)), (true, -32768i16, i32::MAX, i64::MIN))?;
    equal((row.get(4), row.get(5), row.get(6)), (0.5f32, -1e30f64, text))?;
    equal((row.get::<_, Vec<u8>>(7), row.get(8), row.get(9)), (vec![0u8, 1, 255], at, id))?;
    equal((row.get(10), row.get(11), row.get::<_, Vec<&str>>(12)), (json, numbers, words))?;
    for message in client.simple_query("SELECT 1.50::numeric(5,2) AS n, DATE '2026-02-28' AS d").await? {
        if let SimpleQueryMessage::Row(row) = message {
            equal((row.get(0), row.get(1)), (Some("1.50"), Some("2026-02-28")))?;
        }
    }
    Ok(())
}

async fn arrays() -> Outcome {
    let client = connected().await?;
    let at = UNIX_EPOCH + Duration::from_micros(1_782_907_200_123_456);
    let id = uuid::Uuid::from_u128(7);
    let json = serde_json::json!({"a": [1, 2.5, null]});
    let row = client.query_one(
        "SELECT $1::boolean[], $2::smallint[], $3::bigint[], $4::real[], $5::double precision[], $6::bytea[], \
         $7::timestamp[], $8::timestamptz[], $9::uuid[], $10::json[], $11::jsonb[], $12::varchar[], $13::name[], $14::oid[]",
        &[&vec![Some(true), None], &vec![-32768i16], &vec![Some(i64::MIN), None], &vec![0.5f32, f32::INFINITY], &vec![-1e300f64],
          &vec![vec![0u8, 1, 255], vec![]], &vec![at], &vec![Some(at), None], &vec![id], &vec![&json], &vec![&json], &vec!["x y"],
          &vec!["a"], &vec![u32::MAX]]).await?;
    equal((row.get(0), row.get(1), row.get(2)), (vec![Some(true), None], vec![-32768i16], vec![Some(i64::MIN), None]))?;
    equal((row.get(3), row.get(4), row.get(5)), (vec![0.5f32, f32::INFINITY], vec![-1e300f64], vec![vec![0u8, 1, 255], vec![]]))?;
    equal((row.get(6), row.get(7), row.get(8)), (vec![at], vec![Some(at), None], vec![id]))?;
    equal((row.get(9), row.get(10)), (vec![json.clone()], vec![json]))?;
    equal((row.get(11), row.get(12), row.get(13)), (vec!["x y"], vec!["a"], vec![u32::MAX]))
}

async fn prepared() -> Outcome {
    let mut client = connected().await?;
    let plus = client.prepare("SELECT $1::int4 + 1, $2 || 'x'").await?;
    for n in 0..10 {
        let row = client.query_one(&plus, &[&n, &"t"]).await?;
        equal((row.get::<_, i32>(0), row.get::<_, &str>(1)), (n + 1, "tx"))?;
    }
    let (one, two) = tokio::join!(client.query_one("SELECT 1::int8", &[]), client.query_one("SELECT 2::int8", &[]));
    equal((one?.get::<_, i64>(0), two?.get::<_, i64>(0)), (1, 2))?;
    let transaction = client.transaction().await?;
    transaction.execute(&format!("INSERT INTO {} VALUES ('nowhere', 1)", rides()), &[]).await?;
    transaction.rollback().await?;
    let count: i64 = client.query_one(&format!("SELECT count(*) FROM {} WHERE city = 'nowhere'", rides()), &[])
        .await?.get(0);
    equal(count, 0)
}

async fn copy() -> Outcome {
    let client = connected().await?;
    let stream = name() + "_copy";
    client.batch_execute(&format!("CREATE STREAM {stream} (a integer, b text)")).await?;
    let sink = client.copy_in(&format!("COPY {stream} FROM STDIN")).await?;
    pin_mut!(sink);
    for n in 0..300 {
        sink.send(std::io::Cursor::new(format!("{n}\trow {n}\n").into_bytes())).await?;
    }
    equal(sink.finish().await?, 300)?;
    let pieces: Vec<_> = client.copy_out(&format!("COPY (SELECT a, b FROM {stream} WHERE a < 2 ORDER BY a) TO STDOUT"))
        .await?.try_collect().await?;
    equal(pieces.concat(), b"0\trow 0\n1\trow 1\n".to_vec())?;
    let kinds = [Type::INT4, Type::TEXT];
    let sink = client.copy_in(&format!("COPY {stream} FROM STDIN (FORMAT binary)")).await?;
    let writer = BinaryCopyInWriter::new(sink, &kinds);
    pin_mut!(writer);
    writer.as_mut().write(&[&1000i32, &"binary"]).await?;
    writer.as_mut().write(&[&1001i32, &None::<&str>]).await?;
    equal(writer.finish().await?, 2)?;
    let bytes = client.copy_out(&format!("COPY (SELECT a, b FROM {stream} WHERE a >= 1000 ORDER BY a) TO STDOUT (FORMAT binary)"))
        .await?;
    let rows: Vec<_> = BinaryCopyOutStream::new(bytes, &kinds).try_collect().await?;
    let got: Vec<(i32, Option<&str>)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    equal(got, vec![(1000, Some("binary")), (1001, None)])
}

async fn cursor() -> Outcome {
    let mut client = connected().await?;
    let transaction = client.transaction().await?;
    let portal = transaction.bind("SELECT n FROM generate_series(1, $1::int4) AS n", &[&10]).await?;
    let mut seen = Vec::new();
    loop {
        let rows = transaction.query_portal(&portal, 3).await?;
        if rows.is_empty() {
            break;
        }
        seen.extend(rows.iter().map(|row| row.get::<_, i32>(0)));
    }
    equal(seen, (1..=10).collect())
}

/// The server may close this connection before the driver does, which the driver tells as an error.
async fn ask_to_end(token: CancelToken) {
    let _ = token.cancel_query(tls()).await;
}

async fn cancel() -> Outcome {
    let client = connected().await?;
    let stop = client.cancel_token();
    let rows = client.query_raw(&format!("SUBSCRIBE TO {} WITH (progress = true)", rides()), Vec::<i32>::new()).await?;
    pin_mut!(rows);
    rows.try_next().await?;
    ask_to_end(stop).await;
    let error = loop {
        match rows.try_next().await {
            Ok(Some(_)) => continue,
            Ok(None) => return Err("it ended without an error".into()),
            Err(error) => break error,
        }
    };
    equal(state(&error), "57014".to_string())?;
    equal(client.query_one("SELECT 1", &[]).await?.get::<_, i32>(0), 1)
}

async fn errors() -> Outcome {
    let client = connected().await?;
    let error = client.query("SELECT $1::int4,\n nosuch", &[&1]).await.expect_err("a column that is not there");
    let told = error.as_db_error().ok_or("no error of the server")?;
    equal((told.code().code(), told.severity()), ("42703", "ERROR"))?;
    equal(told.position(), Some(&tokio_postgres::error::ErrorPosition::Original(19)))?;
    let error = client.batch_execute(&format!("UPDATE {} SET km = 1", rides())).await.expect_err("a stream");
    equal(error.as_db_error().and_then(|told| told.hint()).is_some(), true)
}

async fn notify() -> Outcome {
    let (client, mut heard) = listening().await?;
    client.batch_execute(&format!("LISTEN {}", name())).await?;
    connected().await?.execute("SELECT pg_notify($1, $2)", &[&name(), &"hello"]).await?;
    equal(heard.recv().await, Some((name(), "hello".to_string())))
}

async fn subscribe() -> Outcome {
    let client = connected().await?;
    let other = connected().await?;
    let insert = |km| format!("INSERT INTO {} VALUES ('Turku', {km})", rides());
    other.batch_execute(&insert(7)).await?;
    let rows = client.query_raw(&format!("SUBSCRIBE (SELECT km FROM {} WHERE city = 'Turku')", rides()), Vec::<i32>::new())
        .await?;
    pin_mut!(rows);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let row = rows.try_next().await?.ok_or("it ended")?;
        seen.push((row.get::<_, i64>("mr_diff"), row.get::<_, i64>("km")));
        other.batch_execute(&insert(8)).await?;
    }
    equal(seen, vec![(1, 7), (1, 8)])?;
    ask_to_end(client.cancel_token()).await;
    loop {
        match rows.try_next().await {
            Ok(Some(_)) => continue,
            Ok(None) => return Err("it ended without an error".into()),
            Err(error) => return equal(state(&error), "57014".to_string()),
        }
    }
}

async fn target() -> Outcome {
    let client = connected().await?;
    client.batch_execute(&format!("INSERT INTO {} VALUES ('Oslo', 4), ('Bergen', 9), ('Oslo', 6)", rides())).await?;
    client.batch_execute("FLUSH").await?;
    let (result, connection) = tokio_postgres::connect(&var("PEER_TARGET_URL"), NoTls).await?;
    tokio::spawn(connection);
    let sum: i64 = result.query_one(&format!("SELECT km FROM {}_pg WHERE city = 'Oslo'", name()), &[]).await?.get(0);
    equal(sum, 10)
}

async fn check(what: &str, call: impl Future<Output = Outcome>) -> i32 {
    let outcome = match tokio::time::timeout(PATIENCE, call).await {
        Ok(outcome) => outcome,
        Err(_) => Err("it takes too long".into()),
    };
    match outcome {
        Ok(()) => {
            println!("ok - {what}");
            0
        }
        Err(error) => {
            println!("not ok - {what}\n#   {}", format!("{error:?} {error}").replace('\n', "\n#   "));
            1
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut failed = 0;
    failed += check("login", login()).await;
    failed += check("types", types()).await;
    failed += check("arrays", arrays()).await;
    failed += check("prepared", prepared()).await;
    failed += check("copy", copy()).await;
    failed += check("cursor", cursor()).await;
    failed += check("cancel", cancel()).await;
    failed += check("errors", errors()).await;
    failed += check("notify", notify()).await;
    failed += check("subscribe", subscribe()).await;
    failed += check("target", target()).await;
    std::process::exit(failed);
}
