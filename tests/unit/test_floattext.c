/*
 * tests/unit/test_floattext.c - numbers from and to text; the expected text is PostgreSQL 15's.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/floattext.h"
#include "common/random.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

typedef struct DoubleCase {
    double value;
    const char *text;
} DoubleCase;

static const DoubleCase double_cases[] = {
    { 0.0, "0" },
    { -0.0, "-0" },
    { 1.0, "1" },
    { 1e15, "1e+15" },
    { 123456789012345.0, "123456789012345" },
    { 999999999999999.0, "999999999999999" },
    { 0.1, "0.1" },
    { 0.0001, "0.0001" },
    { 0.00001, "1e-05" },
    { 1e100, "1e+100" },
    { 5e-324, "5e-324" },
    { 1.7976931348623157e308, "1.7976931348623157e+308" },
    { 1e23, "9.999999999999999e+22" },
    { NAN, "NaN" },
    { INFINITY, "Infinity" },
    { -INFINITY, "-Infinity" },
    { 0.30000000000000004, "0.30000000000000004" },
    { 2.2250738585072014e-308, "2.2250738585072014e-308" },
    { 9007199254740993.0, "9.007199254740992e+15" },
    { 0x1.9c8b26b451da8p+30, "1730333101.079935" },
    { -0x1.a3139ce8e7434p+343, "-2.9332020016988634e+103" },
    { 0x1.8a895e4d11803p+31, "3309612838.534181" },
    { 0x1.2bc51eb851eb8p+9, "599.54" },
    { 0x1.6bb6b851eb852p+12, "5819.42" },
    { 0x1.26e5c12ee5c13p+5, "36.86218487394958" },
    { 0x1.eb8b92313deap+60, "2.2137227771609498e+18" },
    { 0x1.5a221f0e258b4p+31, "2903576455.073328" },
    { 0x1.f534af51f29dcp+29, "1051104746.243465" },
    { 0x1.bf5472590419ap+31, "3752474924.508008" },
    { 0x1.6059f90ee3d4p-610, "3.2392073619858064e-184" },
    { 0x1.a6fd7365p+36, "113545524816" },
    { 0x1.2036e33371785p-644, "1.5422632467982322e-194" },
    { 0x1.2e7764b71e65dp+5, "37.80829756795422" },
    { 0x1.27f9611a7b961p+10, "1183.896551724138" },
    { 0x1.08d5958f5871ep+31, "2221591239.672744" },
    { 0x1.9791b23bcd508p+53, "1.4340063776844304e+16" },
    { 0x1.61568f5c28f5cp+12, "5653.41" },
    { 0x1.8149902f1499p+6, "96.32183908045977" },
    { 0x1.ab73121dc885dp+403, "3.4493168963303485e+121" },
    { 0x1.50ad054bead05p+6, "84.16896551724138" },
    { 0x1.1b54abac9d549p-939, "2.3817041262798883e-283" },
    { 0x1p-654, "1.3377742608693866e-197" },
    { 0x1.9969bb534b225p+2, "6.397078353253652" },
    { -0x1.51bbca496a5e4p-931, "-7.267888960257189e-281" },
    { -0x1.94cd0d0c6f89ap-733, "-3.499570674565899e-221" },
    { 0x1.9144c6afc2ddap+8, "401.2686567164179" },
    { 0x1.dcab5cfef4819p+3, "14.895918367346939" },
    { 0x1.3e6bp+11, "2547.34375" },
    { 0x1p+341, "4.4794894843556084e+102" },
    { 0x1.2d9436e3fae18p+63, "1.0865527227382022e+19" },
    { 0x1.5cb2666666666p+12, "5579.15" },
    { 0x1.9ac8cb591eacfp+31, "3445908908.559913" },
    { 0x1.907b560aff22cp+58, "4.5090240066463616e+17" },
    { 0x1.87df3e676237ep+58, "4.412087000372919e+17" },
    { 0x1.2522e147ae148p+13, "9380.36" },
    { 0x1.e8982e978db6bp+255, "1.104987762143442e+77" },
    { 0x1.3420666666666p+13, "9860.05" },
    { 0x1.4189c28f5c28fp+12, "5144.61" },
    { -0x1.d39b39f75fc33p-272, "-2.4070306325329606e-82" },
    { 0x1.d9c006438bdefp+61, "4.2671615078309473e+18" },
    { 0x1.9e6d70a3d70a4p+11, "3315.42" },
    { 0x1.150c5f87d8cfcp+31, "2324049859.92346" },
    { 0x1.c725afcb1accp-516, "8.28770264212362e-156" },
    { 0x1.cdbff0bfff383p-602, "1.0866991571590048e-181" },
    { 0x1.8f64a7634p+42, "6861522570496" },
    { 0x1.232f4fb769a4p+6, "72.79620253164558" },
    { 0x1.a92d4cf118p+43, "14608968943808" },
    { 0x1.ab6a13eed5817p+31, "3585411575.417003" },
    { 0x1p-34, "5.820766091346741e-11" },
    { 0x1.a6d253a56daecp+31, "3546884562.714224" },
    { 0x1p+207, "2.0568806966515076e+62" },
    { 0x1p-107, "6.162975822039155e-33" },
    { 0x1.0b9ad5e8824ffp+31, "2244831988.254516" },
    { 0x1.91c3cb9129c6cp+255, "9.086169621381092e+76" },
    { 0x1.4615a59cd7367p-108, "3.925100095185081e-33" },
    { -0x1.e8503a38d2207p-747, "-2.5766290889508806e-225" },
    { 0x1p+641, "9.12488123524439e+192" },
    { 0x1.62522c3f35ba8p+5, "44.29012345679013" },
    { 0x1.b0b6f077a88ebp+7, "216.35730337078652" },
};

typedef struct FloatCase {
    float value;
    const char *text;
} FloatCase;

static const FloatCase float_cases[] = {
    { 0.1f, "0.1" },
    { 1e6f, "1e+06" },
    { 123456.0f, "123456" },
    { 1234567.0f, "1.234567e+06" },
    { 3.4028235e38f, "3.4028235e+38" },
    { 1e-45f, "1e-45" },
    { -0.0f, "-0" },
    { NAN, "NaN" },
    { 104.853416f, "104.85342" },
    { 10310.623f, "10310.623" },
    { 6.44101774e+30f, "6.441018e+30" },
    { -45.8053703f, "-45.80537" },
    { 3.48415486e-20f, "3.484155e-20" },
    { 12.2054806f, "12.205481" },
    { -1.32099267e+10f, "-1.3209927e+10" },
    { 18.5215836f, "18.521584" },
    { 2.01508774e-17f, "2.0150877e-17" },
    { 5.13948236e-21f, "5.1394824e-21" },
    { 4.88828043e+31f, "4.8882804e+31" },
    { 2.31481481f, "2.3148148" },
    { 497.925354f, "497.92535" },
    { 6.44091128e+24f, "6.440911e+24" },
    { -2.49950267e-06f, "-2.4995027e-06" },
    { 92.4547501f, "92.45475" },
    { 1.30708935e-19f, "1.3070893e-19" },
    { 2.91238257e-12f, "2.9123826e-12" },
    { 2048.0f, "2048" },
    { 2.58401901e+23f, "2.584019e+23" },
    { -6.14012758e+18f, "-6.1401276e+18" },
    { -2.18950909e+23f, "-2.189509e+23" },
    { -3.11306293e-29f, "-3.113063e-29" },
    { 2.12845964e+37f, "2.1284596e+37" },
    { 68024.7891f, "68024.79" },
    { 3.35643846e-09f, "3.3564385e-09" },
    { 692.637268f, "692.63727" },
    { -1.68917334e+19f, "-1.6891733e+19" },
    { 3.86856262e+25f, "3.8685626e+25" },
    { 36.0160828f, "36.016083" },
    { 2344.12305f, "2344.123" },
    { 7.4505806e-09f, "7.450581e-09" },
    { 5.08180208e-29f, "5.081802e-29" },
    { 4.3182826f, "4.3182826" },
    { -7.1829123e-32f, "-7.1829123e-32" },
    { -2.16490134e-05f, "-2.1649013e-05" },
    { 978.990479f, "978.9905" },
    { 2.38418579e-07f, "2.3841858e-07" },
    { 7.52316385e-37f, "7.523164e-37" },
    { -2.15408482e+31f, "-2.1540848e+31" },
};

static const struct {
    const char *text;
    const char *expected; /* E and the SQLSTATE, or the number's text */
} float_parse_cases[] = {
    { "1", "1" },
    { " -1.5e3 ", "-1500" },
    { "+.5", "0.5" },
    { "5.", "5" },
    { "1e22", "1e+22" },
    { "1e23", "9.999999999999999e+22" },
    { "9007199254740993", "9.007199254740992e+15" },
    { "123456789012345678901234567890", "1.2345678901234568e+29" },
    { "0.000000000000000000000000000001", "1e-30" },
    { "1e-400", "E22003" },
    { "1e400", "E22003" },
    { "-1e400", "E22003" },
    { "5e-324", "5e-324" },
    { "nan", "NaN" },
    { "infinity", "Infinity" },
    { "-inf", "-Infinity" },
    { "", "E22P02" },
    { "   ", "E22P02" },
    { "1e", "E22P02" },
    { "1.2.3", "E22P02" },
    { "abc", "E22P02" },
    { "1 2", "E22P02" },
    { "-", "E22P02" },
    { ".", "E22P02" },
    { "nan(1)", "E22P02" },
};

static const struct {
    const char *text;
    int64_t min, max;
    const char *expected;
} integer_cases[] = {
    { "0", INT32_MIN, INT32_MAX, "0" },
    { " 42 ", INT32_MIN, INT32_MAX, "42" },
    { "+7", INT32_MIN, INT32_MAX, "7" },
    { "2147483647", INT32_MIN, INT32_MAX, "2147483647" },
    { "-2147483648", INT32_MIN, INT32_MAX, "-2147483648" },
    { "2147483648", INT32_MIN, INT32_MAX, "E22003" },
    { "-2147483649", INT32_MIN, INT32_MAX, "E22003" },
    { "32768", INT16_MIN, INT16_MAX, "E22003" },
    { "9223372036854775807", INT64_MIN, INT64_MAX, "9223372036854775807" },
    { "-9223372036854775808", INT64_MIN, INT64_MAX, "-9223372036854775808" },
    { "9223372036854775808", INT64_MIN, INT64_MAX, "E22003" },
    { "99999999999999999999999", INT64_MIN, INT64_MAX, "E22003" },
    { "", INT64_MIN, INT64_MAX, "E22P02" },
    { "-", INT64_MIN, INT64_MAX, "E22P02" },
    { "1.0", INT64_MIN, INT64_MAX, "E22P02" },
    { "1 2", INT64_MIN, INT64_MAX, "E22P02" },
    { "abc", INT64_MIN, INT64_MAX, "E22P02" },
};

START_TEST(test_float8_shortest)
{
    char text[MR_FLOAT_TEXT_MAX + 1];
    text[mr_float8_format(double_cases[_i].value, text)] = '\0';
    ck_assert_str_eq(text, double_cases[_i].text);
}
END_TEST

START_TEST(test_float4_shortest)
{
    char text[MR_FLOAT_TEXT_MAX + 1];
    text[mr_float4_format(float_cases[_i].value, text)] = '\0';
    ck_assert_str_eq(text, float_cases[_i].text);
}
END_TEST

static const struct {
    double value;
    int digits;
    const char *as_double, *as_float;
} rounded_cases[] = {
    { 1.0 / 3, 1, "0.3333333333333333", "0.33333334" },
    { 1.0 / 3, 0, "0.333333333333333", "0.333333" },
    { 1.0 / 3, -15, "0.3", "0.3" },
    { 0.1, 0, "0.1", "0.1" },
    { -0.0, -3, "-0", "-0" },
    { 123456789, -8, "1.234568e+08", "1e+08" },
    { 123456789, -10, "1.2346e+08", "1e+08" },
};

START_TEST(test_extra_digits)
{
    char text[MR_FLOAT_TEXT_MAX + 1];
    const int digits = rounded_cases[_i].digits;
    text[mr_float8_format_as(rounded_cases[_i].value, digits, text)] = '\0';
    ck_assert_str_eq(text, rounded_cases[_i].as_double);
    text[mr_float4_format_as((float)rounded_cases[_i].value, digits, text)] = '\0';
    ck_assert_str_eq(text, rounded_cases[_i].as_float);
}
END_TEST

START_TEST(test_random_round_trip)
{
    MrRandom random;
    mr_random_init(&random, 7);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = mr_random_next(&random);
        uint32_t half = (uint32_t)(bits >> 32);
        char text[MR_FLOAT_TEXT_MAX];
        double value;
        double back;
        float single;
        float single_back;
        memcpy(&value, &bits, sizeof value);
        memcpy(&single, &half, sizeof single);
        if (isfinite(value)) {
            MrString shown = { text, mr_float8_format(value, text) };
            ck_assert_int_eq(mr_float8_parse(shown, &back, NULL), MR_OK);
            ck_assert_msg(memcmp(&value, &back, sizeof value) == 0, "seed 7: %.*s",
                          (int)shown.length, text);
        }
        if (isfinite(single)) {
            MrString shown = { text, mr_float4_format(single, text) };
            ck_assert_int_eq(mr_float4_parse(shown, &single_back, NULL), MR_OK);
            ck_assert_msg(memcmp(&single, &single_back, sizeof single) == 0, "seed 7: %.*s",
                          (int)shown.length, text);
        }
    }
}
END_TEST

START_TEST(test_float8_parse)
{
    char text[MR_FLOAT_TEXT_MAX + 1];
    double value;
    MrError err = MR_ERROR_INIT;
    if (mr_float8_parse(mr_string(float_parse_cases[_i].text), &value, &err) == MR_OK) {
        text[mr_float8_format(value, text)] = '\0';
    } else {
        text[0] = 'E';
        strcpy(text + 1, err.sqlstate);
    }
    ck_assert_str_eq(text, float_parse_cases[_i].expected);
}
END_TEST

START_TEST(test_integers)
{
    char text[MR_FLOAT_TEXT_MAX + 1];
    int64_t value;
    MrError err = MR_ERROR_INIT;
    if (mr_int64_parse(mr_string(integer_cases[_i].text), integer_cases[_i].min,
                       integer_cases[_i].max, "integer", &value, &err) == MR_OK) {
        text[mr_int64_format(value, text)] = '\0';
    } else {
        text[0] = 'E';
        strcpy(text + 1, err.sqlstate);
    }
    ck_assert_str_eq(text, integer_cases[_i].expected);
}
END_TEST

START_TEST(test_fast_integers)
{
    int64_t value;
    MrError err = MR_ERROR_INIT;
    ck_assert(mr_int64_parse_fast("-123", 4, &value) && value == -123);
    ck_assert(mr_int64_parse_fast("999999999999999999", 18, &value) && value == 999999999999999999);
    ck_assert(!mr_int64_parse_fast("9999999999999999999", 19, &value));
    ck_assert(!mr_int64_parse_fast("", 0, &value));
    ck_assert(!mr_int64_parse_fast("-", 1, &value));
    ck_assert(!mr_int64_parse_fast("1 ", 2, &value));
    ck_assert_int_ne(mr_int64_parse(MR_STRING("abc"), 0, 1, "integer", &value, &err), MR_OK);
    ck_assert_str_eq(err.message, "invalid input syntax for type integer: \"abc\"");
    ck_assert_int_ne(mr_int64_parse(MR_STRING("9"), 0, 1, "smallint", &value, &err), MR_OK);
    ck_assert_str_eq(err.message, "value \"9\" is out of range for type smallint");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("floattext");
    TCase *float8_format = tcase_create("mr_float8_format");
    tcase_add_loop_test(float8_format, test_float8_shortest, 0, COUNT(double_cases));
    tcase_add_test(float8_format, test_random_round_trip);
    suite_add_tcase(suite, float8_format);
    TCase *float4_format = tcase_create("mr_float4_format");
    tcase_add_loop_test(float4_format, test_float4_shortest, 0, COUNT(float_cases));
    suite_add_tcase(suite, float4_format);
    TCase *format_as = tcase_create("mr_float8_format_as");
    tcase_add_loop_test(format_as, test_extra_digits, 0, COUNT(rounded_cases));
    suite_add_tcase(suite, format_as);
    TCase *float8_parse = tcase_create("mr_float8_parse");
    tcase_add_loop_test(float8_parse, test_float8_parse, 0, COUNT(float_parse_cases));
    suite_add_tcase(suite, float8_parse);
    TCase *int64_parse = tcase_create("mr_int64_parse");
    tcase_add_loop_test(int64_parse, test_integers, 0, COUNT(integer_cases));
    tcase_add_test(int64_parse, test_fast_integers);
    suite_add_tcase(suite, int64_parse);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
