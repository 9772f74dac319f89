/*
 * tests/unit/test_decimal.c - numeric: text, arithmetic, rounding; expected values are PostgreSQL 15's.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/decimal.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

typedef struct ArithCase {
    const char *left;
    const char *right;
    const char *sum;
    const char *difference;
    const char *product;
    const char *quotient;
    const char *rest;
} ArithCase;

static const ArithCase arith_cases[] = {
    { "968", "-536733022.57", "-536732054.57", "536733990.57", "-519557565847.76",
      "-0.000001803503714686671324", "968.00" },
    { "-6", "797692072567772.012", "797692072567766.012", "-797692072567778.012",
      "-4786152435406632.072", "-0.00000000000000752169942053703849", "-6.000" },
    { "0.0001", "6472716988255.6385807", "6472716988255.6386807", "-6472716988255.6384807",
      "647271698.82556385807", "0.000000000000000015449462749791791340", "0.0001000" },
    { "-089767", "-5.2246", "-89772.2246", "-89761.7754", "468996.6682", "17181.602419323967",
      "-3.1474" },
    { "6.0", "63", "69.0", "-57.0", "378.0", "0.09523809523809523810", "6.0" },
    { "NaN", "10000", "NaN", "NaN", "NaN", "NaN", "NaN" },
    { "-.4552", "Infinity", "Infinity", "-Infinity", "-Infinity", "0", "-0.4552" },
    { "648", ".800", "648.800", "647.200", "518.400", "810.0000000000000000", "0.000" },
    { "5487.94822", "-1152866108.1752161474", "-1152860620.2269961474", "1152871596.1234361474",
      "-6326869506258.504904239087628", "-0.000004760265030851201587", "5487.9482200000" },
    { "-4", "3.266", "-0.734", "-7.266", "-13.064", "-1.2247397428046540", "-0.734" },
    { ".0", "7.6", "7.6", "-7.6", "0.00", "0.00000000000000000000", "0.0" },
    { "3419327829293.239", "-58124", "3419327771169.239", "3419327887417.239",
      "-198745010749840223.636", "-58828157.547540413599", "31825.239" },
    { "8972779590420937.7571", "284561", "8972779590705498.7571", "8972779590136376.7571",
      "2553303133029772469098.1331", "31532007514.80679980", "229583.7571" },
    { "99", "-28001802900", "-28001802801", "28001802999", "-2772178487100",
      "-0.0000000035354866382549960738", "99" },
    { "-8941.0", "-4650156", "-4659097.0", "4641215.0", "41577044796.0", "0.00192273119439433860",
      "-8941.0" },
    { "8554", "-516150785", "-516142231", "516159339", "-4415153814890",
      "-0.000016572676529010800594", "8554" },
    { "-1", "-42", "-43", "41", "42", "0.02380952380952380952", "-1" },
    { ".6", "-0287", "-286.4", "287.6", "-172.2", "-0.00209059233449477352", "0.6" },
    { "-8", "-.196253140236929105", "-8.196253140236929105", "-7.803746859763070895",
      "1.570025121895432840", "40.763678942114750530", "-0.149874390522835800" },
    { "-.02", "-2286", "-2286.02", "2285.98", "45.72", "0.000008748906386701662292", "-0.02" },
    { "7", "56301.48931617", "56308.48931617", "-56294.48931617", "394110.42521319",
      "0.00012433063645422207", "7.00000000" },
    { "-580", ".646", "-579.354", "-580.646", "-374.680", "-897.8328173374613003", "-0.538" },
    { "24", "-32221", "-32197", "32245", "-773304", "-0.00074485583935942398", "24" },
    { "-751", "-7.46881211205700093", "-758.46881211205700093", "-743.53118788794299907",
      "5609.07789615480769843", "100.55146504323637924", "-4.11878879429990700" },
    { "1", "-0427.97", "-426.97", "428.97", "-427.97", "-0.00233661237937238591", "1.00" },
    { "NaN", "Infinity", "NaN", "NaN", "NaN", "NaN", "NaN" },
    { "896999", "-4567962287.5252346", "-4567065288.5252346", "4568859286.5252346",
      "-4097457603947847.9109654", "-0.00019636742677356106", "896999.0000000" },
    { "-26", "-95.0", "-121.0", "69.0", "2470.0", "0.27368421052631578947", "-26.0" },
    { "2.33169803", "-22339", "-22336.66830197", "22341.33169803", "-52087.80229217",
      "-0.000104377905456824387842", "2.33169803" },
    { "-68.5347988", "-75757660398", "-75757660466.5347988", "75757660329.4652012",
      "5192036012935.6579224", "0.0000000009046583334272202084", "-68.5347988" },
    { "2.5", "-67.9", "-65.4", "70.4", "-169.75", "-0.03681885125184094256", "2.5" },
    { "-541977", "0.0001", "-541976.9999", "-541977.0001", "-54.1977", "-5419770000.00000000",
      "0.0000" },
    { "-623", "-19746258", "-19746881", "19745635", "12301918734", "0.000031550281577400639655",
      "-623" },
    { "0.0001", "321.522479353986", "321.522579353986", "-321.522379353986", "0.0321522479353986",
      "0.000000311020244061701166", "0.000100000000" },
    { "-87.2712750572", "-21.45", "-108.7212750572", "-65.8212750572", "1871.968849976940",
      "4.0685909117575758", "-1.4712750572" },
};

typedef struct RoundCase {
    const char *value;
    int digits;
    const char *rounded;
    const char *cut;
    const char *floor;
    const char *ceil;
    const char *field; /* numeric(8,2) */
} RoundCase;

static const RoundCase round_cases[] = {
    { ".5681745534247951222", 0, "1", "0", "0", "1", "0.57" },
    { "34933078681893543", -3, "34933078681894000", "34933078681893000", "34933078681893543",
      "34933078681893543", "E22003" },
    { "-561652", 3, "-561652.000", "-561652.000", "-561652", "-561652", "-561652.00" },
    { "-06.67659", 2, "-6.68", "-6.67", "-7", "-6", "-6.68" },
    { "0.000", 0, "0", "0", "0", "0", "0.00" },
    { "-6841463091.546938182", -1, "-6841463090", "-6841463090", "-6841463092", "-6841463091",
      "E22003" },
    { "389.150", 6, "389.150000", "389.150000", "389", "390", "389.15" },
    { "312.52", -3, "0", "0", "312", "313", "312.52" },
    { "-360", 2, "-360.00", "-360.00", "-360", "-360", "-360.00" },
    { "-195", 8, "-195.00000000", "-195.00000000", "-195", "-195", "-195.00" },
    { "-80.1", 1, "-80.1", "-80.1", "-81", "-80", "-80.10" },
    { "-41", -1, "-40", "-40", "-41", "-41", "-41.00" },
    { ".881", 1, "0.9", "0.8", "0", "1", "0.88" },
    { "134.049", 7, "134.0490000", "134.0490000", "134", "135", "134.05" },
    { "0596800261576.960", -4, "596800260000", "596800260000", "596800261576", "596800261577",
      "E22003" },
    { "1", 8, "1.00000000", "1.00000000", "1", "1", "1.00" },
    { "729160535.49775", 6, "729160535.497750", "729160535.497750", "729160535", "729160536",
      "E22003" },
    { "NaN", -4, "NaN", "NaN", "NaN", "NaN", "NaN" },
    { "-95.38", 8, "-95.38000000", "-95.38000000", "-96", "-95", "-95.38" },
    { "-140997794757.5", 1, "-140997794757.5", "-140997794757.5", "-140997794758", "-140997794757",
      "E22003" },
    { "-35408", 3, "-35408.000", "-35408.000", "-35408", "-35408", "-35408.00" },
    { ".7", 3, "0.700", "0.700", "0", "1", "0.70" },
    { "-31.3519040", 7, "-31.3519040", "-31.3519040", "-32", "-31", "-31.35" },
    { "2330205540.29431", -1, "2330205540", "2330205540", "2330205540", "2330205541", "E22003" },
    { "-6298.98", -3, "-6000", "-6000", "-6299", "-6298", "-6298.98" },
    { "3.38", -4, "0", "0", "3", "4", "3.38" },
    { "-8.0", -1, "-10", "0", "-8", "-8", "-8.00" },
    { "-6618033379139", -1, "-6618033379140", "-6618033379130", "-6618033379139", "-6618033379139",
      "E22003" },
    { "-665879374", 9, "-665879374.000000000", "-665879374.000000000", "-665879374", "-665879374",
      "E22003" },
    { "-91.702069", -1, "-90", "-90", "-92", "-91", "-91.70" },
    { "0.000", 0, "0", "0", "0", "0", "0.00" },
    { "-14", 5, "-14.00000", "-14.00000", "-14", "-14", "-14.00" },
    { "66737.579310", -1, "66740", "66730", "66737", "66738", "66737.58" },
};

typedef struct ParseCase {
    const char *text;
    const char *expected;
} ParseCase;

static const ParseCase parse_cases[] = {
    { "0", "0" },
    { "-0", "0" },
    { " 1.50 ", "1.50" },
    { "+.5", "0.5" },
    { "5.", "5" },
    { "1e5", "100000" },
    { "1.5e-3", "0.0015" },
    { "1.50e1", "15.0" },
    { "12345678901234567890123456789012345678", "12345678901234567890123456789012345678" },
    { "-99999999999999999999999999999999999999", "-99999999999999999999999999999999999999" },
    { "0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001" },
    { "100000000000000000000000000000000000000", "E22003" },
    { "1e38", "E22003" },
    { "1e-39", "E22003" },
    { "1e99999999999999999999", "E22003" },
    { "0e99999999999999999999", "0" },
    { "nan", "NaN" },
    { "-Infinity", "-Infinity" },
    { "inf", "Infinity" },
    { "", "E22P02" },
    { ".", "E22P02" },
    { "-", "E22P02" },
    { "1e", "E22P02" },
    { "1 2", "E22P02" },
    { "0x10", "E22P02" },
    { "1.2.3", "E22P02" },
    { "--1", "E22P02" },
    { "-nan", "E22P02" },
};

/* The value's text, or E and the SQLSTATE. */
static const char *shown(MrStatus status, const MrDecimal *value, const MrError *err, char *buffer)
{
    if (status != MR_OK) {
        buffer[0] = 'E';
        strcpy(buffer + 1, err->sqlstate);
    } else {
        buffer[mr_decimal_format(value, buffer)] = '\0';
    }
    return buffer;
}

static MrDecimal decimal_of(const char *text)
{
    MrDecimal value;
    MrError err = MR_ERROR_INIT;
    ck_assert_msg(mr_decimal_parse(mr_string(text), &value, &err) == MR_OK, "%s", err.message);
    return value;
}

typedef MrStatus (*Operation)(const MrDecimal *a, const MrDecimal *b, MrDecimal *out, MrError *err);

static void check_operation(const ArithCase *c, Operation operation, const char *name,
                            const char *expected)
{
    MrDecimal a = decimal_of(c->left);
    MrDecimal b = decimal_of(c->right);
    MrDecimal result;
    MrError err = MR_ERROR_INIT;
    char buffer[MR_DECIMAL_TEXT_MAX + 1];
    MrStatus status = operation(&a, &b, &result, &err);
    const char *got = shown(status, &result, &err, buffer);
    ck_assert_msg(strcmp(got, expected) == 0, "%s %s %s: %s, expected %s", c->left, name, c->right,
                  got, expected);
}

START_TEST(test_arithmetic)
{
    const ArithCase *c = &arith_cases[_i];
    check_operation(c, mr_decimal_add, "+", c->sum);
    check_operation(c, mr_decimal_subtract, "-", c->difference);
    check_operation(c, mr_decimal_multiply, "*", c->product);
    check_operation(c, mr_decimal_divide, "/", c->quotient);
    check_operation(c, mr_decimal_modulo, "%", c->rest);
}
END_TEST

START_TEST(test_rounding)
{
    const RoundCase *c = &round_cases[_i];
    MrDecimal value = decimal_of(c->value);
    MrDecimal result;
    MrError err = MR_ERROR_INIT;
    char buffer[MR_DECIMAL_TEXT_MAX + 1];
    MrStatus status = mr_decimal_round(&value, c->digits, &result, &err);
    ck_assert_str_eq(shown(status, &result, &err, buffer), c->rounded);
    status = mr_decimal_truncate(&value, c->digits, &result, &err);
    ck_assert_str_eq(shown(status, &result, &err, buffer), c->cut);
    status = mr_decimal_floor(&value, &result, &err);
    ck_assert_str_eq(shown(status, &result, &err, buffer), c->floor);
    status = mr_decimal_ceil(&value, &result, &err);
    ck_assert_str_eq(shown(status, &result, &err, buffer), c->ceil);
    status = mr_decimal_apply_typmod(&value, (8 << 16 | 2) + 4, &result, &err);
    ck_assert_str_eq(shown(status, &result, &err, buffer), c->field);
}
END_TEST

START_TEST(test_parse)
{
    const ParseCase *c = &parse_cases[_i];
    MrDecimal value;
    MrError err = MR_ERROR_INIT;
    char buffer[MR_DECIMAL_TEXT_MAX + 1];
    MrStatus status = mr_decimal_parse(mr_string(c->text), &value, &err);
    ck_assert_str_eq(shown(status, &value, &err, buffer), c->expected);
}
END_TEST

START_TEST(test_limits_are_told)
{
    MrDecimal most = decimal_of("99999999999999999999999999999999999999");
    MrDecimal one = decimal_of("1");
    MrDecimal half = decimal_of("0.5");
    MrDecimal value;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_decimal_add(&most, &one, &value, &err), MR_ERR_NUMERIC_OUT_OF_RANGE);
    ck_assert_int_eq(mr_decimal_add(&most, &half, &value, &err), MR_ERR_NUMERIC_OUT_OF_RANGE);
    ck_assert_int_eq(mr_decimal_multiply(&most, &most, &value, &err), MR_ERR_NUMERIC_OUT_OF_RANGE);
    ck_assert_int_eq(mr_decimal_round(&most, -1, &value, &err), MR_ERR_NUMERIC_OUT_OF_RANGE);
    ck_assert_int_eq(mr_decimal_round(&one, 2000000000, &value, &err), MR_ERR_NUMERIC_OUT_OF_RANGE);
    ck_assert_int_eq(mr_decimal_round(&most, -2000000000, &value, &err), MR_OK);
    ck_assert_int_eq(mr_decimal_modulo(&most, &half, &value, &err), MR_OK);
    ck_assert_int_eq(mr_decimal_apply_typmod(&most, (5 << 16 | 2) + 4, &value, &err),
                     MR_ERR_NUMERIC_OUT_OF_RANGE);
    ck_assert_str_eq(err.message, "numeric field overflow");
    MrDecimal large = decimal_of("1000");
    ck_assert_int_eq(mr_decimal_apply_typmod(&large, (5 << 16 | 2) + 4, &value, &err),
                     MR_ERR_NUMERIC_OUT_OF_RANGE);
    ck_assert_str_eq(err.detail,
                     "A field with precision 5, scale 2 must round to an absolute value "
                     "less than 10^3.");
    ck_assert_int_eq(mr_decimal_from_int128((MrInt128)1 << 126, &value, &err), MR_OK);
    ck_assert_int_eq(mr_decimal_from_int128(-((MrInt128)1 << 126) * 2, &value, &err),
                     MR_ERR_NUMERIC_OUT_OF_RANGE);
}
END_TEST

START_TEST(test_order_and_hash)
{
    static const char *const ascending[] = {
        "-Infinity",
        "-10",
        "-9.99",
        "-0.1",
        "0",
        "0.00000000000000000000000000000000000001",
        "1",
        "1.0000000000000000000000000000000000001",
        "99999999999999999999999999999999999999",
        "Infinity",
        "NaN",
    };
    for (int i = 0; i < COUNT(ascending); i++) {
        for (int k = 0; k < COUNT(ascending); k++) {
            MrDecimal a = decimal_of(ascending[i]);
            MrDecimal b = decimal_of(ascending[k]);
            int order = mr_decimal_compare(&a, &b);
            ck_assert_int_eq((order > 0) - (order < 0), (i > k) - (i < k));
        }
    }
    MrDecimal a = decimal_of("1.5");
    MrDecimal b = decimal_of("1.50000000000000000000000000000000000");
    ck_assert_int_eq(mr_decimal_compare(&a, &b), 0);
    ck_assert_uint_eq(mr_decimal_hash(&a), mr_decimal_hash(&b));
}
END_TEST

typedef struct DoubleCase {
    double value;
    const char *text; /* as float8 is cast to numeric */
} DoubleCase;

static const DoubleCase double_cases[] = {
    { 0.1, "0.1" },
    { 1e15, "1000000000000000" },
    { 123456789.123456789, "123456789.123457" },
    { 1.0 / 3, "0.333333333333333" },
    { -2.5, "-2.5" },
    { 1e-10, "0.0000000001" },
    { 1e300, "E22003" },
};

START_TEST(test_doubles)
{
    const DoubleCase *c = &double_cases[_i];
    MrDecimal value;
    MrError err = MR_ERROR_INIT;
    char buffer[MR_DECIMAL_TEXT_MAX + 1];
    MrStatus status = mr_decimal_from_double(c->value, 15, &value, &err);
    ck_assert_str_eq(shown(status, &value, &err, buffer), c->text);
}
END_TEST

START_TEST(test_int64)
{
    MrDecimal value = decimal_of("9223372036854775807.4");
    int64_t number;
    ck_assert_int_eq(mr_decimal_to_int64(&value, &number, NULL), MR_OK);
    ck_assert_int_eq(number, INT64_MAX);
    value = decimal_of("9223372036854775807.5");
    ck_assert_int_eq(mr_decimal_to_int64(&value, &number, NULL), MR_ERR_NUMERIC_OUT_OF_RANGE);
    value = decimal_of("-2.5");
    ck_assert_int_eq(mr_decimal_to_int64(&value, &number, NULL), MR_OK);
    ck_assert_int_eq(number, -3);
    value = decimal_of("NaN");
    ck_assert_int_eq(mr_decimal_to_int64(&value, &number, NULL), MR_ERR_NUMERIC_OUT_OF_RANGE);
    value = decimal_of("0.1");
    ck_assert(mr_decimal_to_double(&value) == 0.1);
    value = decimal_of("-12345678901234567890.123");
    ck_assert(mr_decimal_to_double(&value) == -12345678901234567890.123);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decimal");
    TCase *decimal_divide = tcase_create("mr_decimal_divide");
    tcase_add_loop_test(decimal_divide, test_arithmetic, 0, COUNT(arith_cases));
    suite_add_tcase(suite, decimal_divide);
    TCase *decimal_round = tcase_create("mr_decimal_round");
    tcase_add_loop_test(decimal_round, test_rounding, 0, COUNT(round_cases));
    suite_add_tcase(suite, decimal_round);
    TCase *decimal_parse = tcase_create("mr_decimal_parse");
    tcase_add_loop_test(decimal_parse, test_parse, 0, COUNT(parse_cases));
    tcase_add_test(decimal_parse, test_limits_are_told);
    suite_add_tcase(suite, decimal_parse);
    TCase *decimal_compare = tcase_create("mr_decimal_compare");
    tcase_add_test(decimal_compare, test_order_and_hash);
    suite_add_tcase(suite, decimal_compare);
    TCase *decimal_to_double = tcase_create("mr_decimal_to_double");
    tcase_add_loop_test(decimal_to_double, test_doubles, 0, COUNT(double_cases));
    tcase_add_test(decimal_to_double, test_int64);
    suite_add_tcase(suite, decimal_to_double);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
