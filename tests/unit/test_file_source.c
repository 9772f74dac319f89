/* tests/unit/test_file_source.c - rows of a file: to its end, as it grows, from an offset, changed. */
#include "codec_fixture.h"

#include "storage/source.h"

#include <unistd.h>
#include <zlib.h>

static char directory[] = "/tmp/mr_file_source_XXXXXX";
static char path[128];

static void file_put(const char *mode, const char *text)
{
    FILE *file = fopen(path, mode);
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static const MrTypeId two[] = { MR_TYPE_INT64, MR_TYPE_TEXT };

typedef struct Reader {
    Fixture f;
    MrOption options[2];
    MrSourceOptions source_options;
    MrSource *source;
    MrSourceOffset offset;
    MrSourceState state;
} Reader;

static MrStatus reader_open(Reader *r, const char *at_end, const MrSourceOffset *from)
{
    r->options[0] = (MrOption){ .name = "path", .value = path };
    r->options[1] = (MrOption){ .name = "at_end", .value = at_end };
    r->source_options = (MrSourceOptions){ .options = r->options,
                                           .option_count = 2,
                                           .schema = &r->f.schema,
                                           .codec = &r->f.options,
                                           .codec_class = r->f.codec };
    r->f.err = (MrError)MR_ERROR_INIT;
    return mr_source_file.open(&r->source_options, from, &r->source, &r->f.err);
}

static void reader_init(Reader *r, const MrCodecClass *codec)
{
    memset(r, 0, sizeof *r);
    fixture_init(&r->f, codec, two, 2);
}

/* Takes blocks of at most `rows` rows until the source has no more now. */
static MrStatus reader_drain(Reader *r, uint32_t rows)
{
    MrBlock *block;
    do {
        MR_TRY(mr_source_file.next(r->source, rows, &block, &r->offset, &r->state, &r->f.err));
        if (block != NULL) {
            ck_assert_uint_le(block->row_count, rows);
            block_show(block, &r->f.shown);
        }
    } while (r->state == MR_SOURCE_MORE);
    return MR_OK;
}

static void reader_fini(Reader *r)
{
    mr_source_file.close(r->source);
    fixture_fini(&r->f);
}

START_TEST(test_to_the_end)
{
    Reader r;
    file_put("w", "b,a\nx,1\ny,2\nz,3");
    reader_init(&r, &mr_codec_csv);
    r.f.options.map_header = true;
    ck_assert_msg(reader_open(&r, "stop", NULL) == MR_OK, "%s", r.f.err.message);
    MrSourceOffset end;
    ck_assert_int_eq(mr_source_file.end_now(r.source, &end, NULL), MR_OK);
    ck_assert_msg(reader_drain(&r, 1) == MR_OK, "%s", r.f.err.message);
    ck_assert_str_eq(mr_builder_text(&r.f.shown), "1|x\n2|y\n3|z\n");
    ck_assert_int_eq(r.state, MR_SOURCE_END);
    ck_assert_int_eq(mr_source_file.compare(&r.offset, &end), 0);
    reader_fini(&r);
}
END_TEST

START_TEST(test_follows_and_resumes)
{
    Reader r;
    MrSourceOffset end, middle;
    file_put("w", "b,a\nx,1\n\"y\n\",2\nz,");
    reader_init(&r, &mr_codec_csv);
    r.f.options.map_header = true;
    ck_assert_int_eq(reader_open(&r, "wait", NULL), MR_OK);
    ck_assert_int_eq(reader_drain(&r, 100), MR_OK);
    ck_assert_int_eq(r.state, MR_SOURCE_WAIT);
    ck_assert_str_eq(mr_builder_text(&r.f.shown), "1|x\n2|y\n\n");
    middle = r.offset;
    ck_assert_int_eq(strncmp(middle.text, "byte 15 line 4 ", 15), 0);
    ck_assert_int_eq(mr_source_file.end_now(r.source, &end, NULL), MR_OK);
    ck_assert_int_eq(mr_source_file.compare(&r.offset, &end), 0);
    file_put("a", "3\n");
    ck_assert_int_eq(mr_source_file.end_now(r.source, &end, NULL), MR_OK);
    ck_assert_int_lt(mr_source_file.compare(&r.offset, &end), 0);
    ck_assert_int_eq(reader_drain(&r, 100), MR_OK);
    ck_assert_int_eq(mr_source_file.compare(&r.offset, &end), 0);
    ck_assert_str_eq(mr_builder_text(&r.f.shown), "1|x\n2|y\n\n3|z\n");
    mr_source_file.close(r.source);
    mr_builder_clear(&r.f.shown);
    /* A later server goes on behind the last whole row, header and line numbers known. */
    file_put("a", "w,bad\n");
    ck_assert_msg(reader_open(&r, "stop", &middle) == MR_OK, "%s", r.f.err.message);
    ck_assert_int_eq(reader_drain(&r, 1), MR_ERR_INVALID_TEXT);
    ck_assert_str_eq(mr_builder_text(&r.f.shown), "3|z\n");
    ck_assert_str_eq(r.f.err.detail, "COPY edits, line 6, column a: \"bad\"");
    reader_fini(&r);
}
END_TEST

START_TEST(test_changed_input_is_refused)
{
    Reader r;
    file_put("w", "1,x\n2,y\n");
    reader_init(&r, &mr_codec_csv);
    ck_assert_int_eq(reader_open(&r, "wait", NULL), MR_OK);
    ck_assert_int_eq(reader_drain(&r, 100), MR_OK);
    file_put("w", "1,x\n");
    ck_assert_int_eq(reader_drain(&r, 100), MR_ERR_INPUT_CHANGED);
    mr_source_file.close(r.source);
    ck_assert_int_eq(reader_open(&r, "wait", &r.offset), MR_ERR_INPUT_CHANGED);
    char other[160];
    snprintf(other, sizeof other, "%s.old", path);
    ck_assert_int_eq(rename(path, other), 0);
    file_put("w", "1,x\n2,y\n3,z\n");
    ck_assert_int_eq(reader_open(&r, "wait", &r.offset), MR_ERR_INPUT_CHANGED);
    unlink(other);
    fixture_fini(&r.f);
}
END_TEST

START_TEST(test_gzip)
{
    Reader r;
    char plain[sizeof path];
    memcpy(plain, path, sizeof path);
    snprintf(path, sizeof path, "%s/in.json.gz", directory);
    gzFile file = gzopen(path, "wb");
    MrBuilder rows;
    mr_builder_init(&rows, 0);
    for (int i = 0; i < 50000; i++) {
        gzprintf(file, "{\"a\":%d,\"b\":\"row number %d\"}\n", i, i);
        mr_builder_append_format(&rows, "%d|row number %d\n", i, i);
    }
    gzclose(file);
    reader_init(&r, &mr_codec_json);
    ck_assert_msg(reader_open(&r, "close", NULL) == MR_OK, "%s", r.f.err.message);
    MrSourceOffset first, end;
    MrBlock *block;
    ck_assert_int_eq(mr_source_file.end_now(r.source, &end, NULL), MR_OK);
    ck_assert_int_eq(mr_source_file.next(r.source, 777, &block, &first, &r.state, NULL), MR_OK);
    ck_assert_uint_eq(block->row_count, 777);
    block_show(block, &r.f.shown);
    mr_source_file.close(r.source);
    ck_assert_int_eq(reader_open(&r, "close", &first), MR_OK);
    ck_assert_int_eq(reader_drain(&r, 10000), MR_OK);
    ck_assert_int_eq(mr_source_file.compare(&r.offset, &end), 0);
    ck_assert_str_eq(mr_builder_text(&r.f.shown), mr_builder_text(&rows));
    mr_builder_fini(&rows);
    reader_fini(&r);
    unlink(path);
    memcpy(path, plain, sizeof path);
}
END_TEST

START_TEST(test_only_regular_files)
{
    Reader r;
    char plain[sizeof path];
    memcpy(plain, path, sizeof path);
    reader_init(&r, &mr_codec_csv);
    snprintf(path, sizeof path, "/dev/null");
    ck_assert_int_eq(reader_open(&r, "stop", NULL), MR_ERR_WRONG_OBJECT_TYPE);
    snprintf(path, sizeof path, "%s/nothing", directory);
    ck_assert_int_eq(reader_open(&r, "stop", NULL), MR_ERR_UNDEFINED_FILE);
    memcpy(path, plain, sizeof path);
    ck_assert_int_eq(reader_open(&r, "sometimes", NULL), MR_ERR_INVALID_PARAMETER);
    fixture_fini(&r.f);
}
END_TEST

int main(void)
{
    if (mkdtemp(directory) == NULL) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/in.csv", directory);
    Suite *suite = suite_create("file_source");
    TCase *tcase = tcase_create("file");
    tcase_add_test(tcase, test_to_the_end);
    tcase_add_test(tcase, test_follows_and_resumes);
    tcase_add_test(tcase, test_changed_input_is_refused);
    tcase_add_test(tcase, test_gzip);
    tcase_add_test(tcase, test_only_regular_files);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* the tests share the directory */
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    unlink(path);
    rmdir(directory);
    return failed == 0 ? 0 : 1;
}
