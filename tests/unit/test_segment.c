/*
 * tests/unit/test_segment.c - one file of the log: made, filled, scanned, sealed, read again.
 */
#include "storage/segment.h"
#include "tests/unit/log_fixture.h"

static char segment_directory[64];
static MrFramePool pool;
static MrError error;

#define GOOD(call) ck_assert_msg((call) == MR_OK, "%s: %s", #call, error.message)

static void setup(void)
{
    strcpy(segment_directory, "/tmp/mr-test-segment-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(segment_directory));
    mr_frame_pool_init(&pool);
}

static void teardown(void)
{
    char command[128];
    mr_frame_pool_fini(&pool);
    snprintf(command, sizeof command, "rm -rf '%s'", segment_directory);
    ck_assert_int_eq(system(command), 0);
}

/* A frame whose body is `bytes` times one letter; returns its offset. */
static uint64_t put(MrSegment *segment, size_t bytes, char letter)
{
    MrLogFrame *frame;
    GOOD(mr_frame_create(&pool, bytes, &frame, &error));
    memset(mr_frame_body(frame), letter, bytes);
    frame->header->kind = MR_RECORD_DDL;
    frame->header->body_crc = mr_frame_body_crc(frame->header, mr_frame_body(frame));
    mr_segment_place(segment, frame->header, frame->total_bytes);
    uint64_t offset = frame->header->offset;
    GOOD(mr_file_write(segment->file, offset, frame->header, frame->total_bytes, &error));
    mr_frame_release(frame);
    return offset;
}

START_TEST(test_names)
{
    uint64_t number;
    ck_assert(mr_segment_parse_name("000000000000001f.seg", &number));
    ck_assert_uint_eq(number, 31);
    ck_assert(!mr_segment_parse_name("000000000000001F.seg", &number));
    ck_assert(!mr_segment_parse_name("0000000000000000.seg", &number));
    ck_assert(!mr_segment_parse_name("1f.seg", &number));
    ck_assert(!mr_segment_parse_name("000000000000001f.seg.tmp", &number));
    ck_assert(!mr_segment_parse_name("reserve", &number));
}
END_TEST

START_TEST(test_frames_are_scanned_sealed_and_read)
{
    MrSegment *segment;
    MrSegmentScan scan;
    MrScanResult result;
    const MrFrameHeader *header;
    const void *body;
    uint32_t crc;
    MrLogFrame *frame;
    uint64_t offsets[3];
    static const size_t sizes[] = { 0, 64, 2000001 };
    GOOD(mr_segment_create(segment_directory, 5, 4 << 20, 1, &segment, &error));
    for (int i = 0; i < 3; i++) {
        offsets[i] = put(segment, sizes[i], (char)('a' + i));
    }
    ck_assert_uint_eq(offsets[1] - offsets[0], sizeof(MrFrameHeader));
    mr_segment_release(segment);
    GOOD(mr_segment_open(segment_directory, 5, &segment, &error));
    ck_assert(!segment->is_sealed);
    GOOD(mr_segment_scan_init(&scan, segment, &error));
    for (int i = 0; i < 3; i++) {
        GOOD(mr_segment_scan_next(&scan, &result, &header, &body, &crc, &error));
        ck_assert_int_eq(result, MR_SCAN_FRAME);
        ck_assert_uint_eq(header->body_bytes, sizes[i]);
        ck_assert_uint_eq(header->previous_offset, i == 0 ? 0 : offsets[i - 1]);
        scan.offset += mr_frame_total_bytes(sizes[i]);
    }
    GOOD(mr_segment_scan_next(&scan, &result, &header, &body, &crc, &error));
    ck_assert_int_eq(result, MR_SCAN_END);
    segment->end = scan.offset;
    mr_segment_scan_fini(&scan);
    GOOD(mr_segment_seal(segment, "the index", 9, &pool, &error));
    uint64_t end = segment->end, size;
    mr_segment_release(segment);
    GOOD(mr_segment_open(segment_directory, 5, &segment, &error));
    ck_assert(segment->is_sealed);
    GOOD(mr_file_size(segment->file, &size, &error));
    ck_assert_uint_eq(size, end);
    GOOD(mr_segment_read_index(segment, &pool, &frame, &error));
    ck_assert_mem_eq(mr_frame_body(frame), "the index", 9);
    mr_frame_release(frame);
    GOOD(mr_segment_read_frame(segment, &pool, offsets[2], mr_frame_total_bytes(sizes[2]), &frame,
                               &error));
    ck_assert_int_eq(((char *)mr_frame_body(frame))[sizes[2] - 1], 'c');
    mr_frame_release(frame);
    ck_assert_int_eq(mr_segment_read_frame(segment, &pool, offsets[1] + 64, 256, &frame, &error),
                     MR_ERR_CORRUPT);
    ck_assert_int_eq(mr_segment_read_frame(segment, &pool, end, 256, &frame, &error),
                     MR_ERR_CORRUPT);
    ck_assert_int_eq(mr_segment_read_frame(segment, &pool, 0, 7, &frame, &error), MR_ERR_CORRUPT);
    mr_segment_release(segment);
}
END_TEST

START_TEST(test_a_frame_of_another_segment_is_not_taken)
{
    MrSegment *one, *two;
    MrLogFrame *frame;
    GOOD(mr_segment_create(segment_directory, 1, 65536, 1, &one, &error));
    GOOD(mr_segment_create(segment_directory, 2, 65536, 1, &two, &error));
    uint64_t offset = put(one, 100, 'x');
    GOOD(mr_segment_read_frame(one, &pool, offset, mr_frame_total_bytes(100), &frame, &error));
    GOOD(mr_file_write(two->file, offset, frame->header, frame->total_bytes, &error));
    mr_frame_release(frame);
    ck_assert_int_eq(
        mr_segment_read_frame(two, &pool, offset, mr_frame_total_bytes(100), &frame, &error),
        MR_ERR_CORRUPT);
    mr_segment_release(one);
    mr_segment_release(two);
}
END_TEST

START_TEST(test_a_header_survives_in_its_copy)
{
    MrSegment *segment;
    char zeros[512] = { 0 };
    GOOD(mr_segment_create(segment_directory, 1, 65536, 1, &segment, &error));
    GOOD(mr_file_write(segment->file, 0, zeros, sizeof zeros, &error));
    mr_segment_release(segment);
    GOOD(mr_segment_open(segment_directory, 1, &segment, &error));
    GOOD(mr_file_write(segment->file, 2048, zeros, sizeof zeros, &error));
    mr_segment_release(segment);
    ck_assert_int_eq(mr_segment_open(segment_directory, 1, &segment, &error), MR_ERR_CORRUPT);
    ck_assert_ptr_null(segment);
    ck_assert_int_eq(mr_segment_open(segment_directory, 9, &segment, &error),
                     MR_ERR_UNDEFINED_FILE);
}
END_TEST

START_TEST(test_a_number_is_used_once)
{
    MrSegment *segment, *again;
    GOOD(mr_segment_create(segment_directory, 1, 65536, 1, &segment, &error));
    ck_assert_int_ne(mr_segment_create(segment_directory, 1, 65536, 1, &again, &error), MR_OK);
    mr_segment_release(segment);
    GOOD(mr_segment_open(segment_directory, 1, &segment, &error));
    mr_segment_release(segment);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("segment");
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_names);
    tcase_add_test(tests, test_frames_are_scanned_sealed_and_read);
    tcase_add_test(tests, test_a_frame_of_another_segment_is_not_taken);
    tcase_add_test(tests, test_a_header_survives_in_its_copy);
    tcase_add_test(tests, test_a_number_is_used_once);
    suite_add_tcase(suite, tests);
    return fixture_run(suite);
}
