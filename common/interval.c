/*
 * common/interval.c - arithmetic with intervals and moments.
 * Results, roundings and overflows are those of PostgreSQL's timestamp.c.
 */
#include <math.h>

#include "common/datetime.h"
#include "common/hash.h"
#include "common/timezone.h"

#define DAYS_PER_MONTH 30
#define SECONDS_PER_DAY 86400

static MrStatus interval_out_of_range(MrError *err)
{
    return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "interval out of range");
}

static MrStatus timestamp_out_of_range(MrError *err)
{
    return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp out of range");
}

/* Total length with months of 30 days; 128 bits, because the parts may all be at their ends. */
static __int128 interval_length(const MrInterval *interval)
{
    int64_t days = (int64_t)interval->months * DAYS_PER_MONTH + interval->days;
    return (__int128)days * MR_US_PER_DAY + interval->us;
}

int mr_interval_compare(const MrInterval *a, const MrInterval *b)
{
    __int128 left = interval_length(a);
    __int128 right = interval_length(b);
    return left < right ? -1 : left > right;
}

uint64_t mr_interval_hash(const MrInterval *interval)
{
    __int128 length = interval_length(interval);
    return mr_hash_combine((uint64_t)length, (uint64_t)(length >> 64));
}

static int32_t days_in_month(int32_t year, int32_t month)
{
    static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Years that a moment can have, with room for the arithmetic on the way. */
#define YEAR_MIN (-4713)
#define YEAR_MAX 294300

static MrStatus civil_check(const MrCivil *civil, int64_t *us, MrError *err)
{
    int64_t day_us;
    if (civil->year < YEAR_MIN || civil->year > YEAR_MAX) {
        return timestamp_out_of_range(err);
    }
    int64_t days = mr_days_from_civil(civil->year, civil->month, civil->day);
    int64_t time =
        ((int64_t)civil->hour * 3600 + civil->minute * 60 + civil->second) * MR_US_PER_SECOND +
        civil->microsecond;
    if (__builtin_mul_overflow(days, MR_US_PER_DAY, &day_us) ||
        __builtin_add_overflow(day_us, time, us) || *us == INT64_MAX) {
        return timestamp_out_of_range(err);
    }
    return MR_OK;
}

static MrStatus add_months(int64_t us, int32_t months, int64_t *out, MrError *err)
{
    MrCivil civil;
    mr_civil_from_us(us, &civil);
    int64_t month = (int64_t)civil.year * 12 + civil.month - 1 + months;
    int64_t year = month / 12 - (month % 12 < 0);
    if (year < YEAR_MIN || year > YEAR_MAX) {
        return timestamp_out_of_range(err);
    }
    civil.year = (int32_t)year;
    civil.month = (int32_t)(month - year * 12) + 1;
    int32_t last = days_in_month(civil.year, civil.month);
    if (civil.day > last) {
        civil.day = last;
    }
    return civil_check(&civil, out, err);
}

static MrStatus add_us(int64_t us, __int128 more, int64_t *out, MrError *err)
{
    __int128 sum = us + more;
    /* 4713-01-01 BC and before, as far as the microseconds reach. */
    if (sum >= INT64_MAX || sum < INT64_C(-210866803200000000)) {
        return timestamp_out_of_range(err);
    }
    *out = (int64_t)sum;
    return MR_OK;
}

MrStatus mr_timestamp_add_interval(int64_t us, const MrInterval *interval, int64_t *out,
                                   MrError *err)
{
    if (us == INT64_MIN || us == INT64_MAX) {
        *out = us;
        return MR_OK;
    }
    if (interval->months != 0) {
        MR_TRY(add_months(us, interval->months, &us, err));
    }
    if (interval->days != 0) {
        MR_TRY(add_us(us, (__int128)interval->days * MR_US_PER_DAY, &us, err));
    }
    return add_us(us, interval->us, out, err);
}

MrStatus mr_timestamptz_add_interval(int64_t us, const MrInterval *interval, const MrTimezone *zone,
                                     int64_t *out, MrError *err)
{
    if (us == INT64_MIN || us == INT64_MAX) {
        *out = us;
        return MR_OK;
    }
    /* Months and days keep the time of day; each step goes through the zone, as PostgreSQL does. */
    if (interval->months != 0) {
        int64_t local = mr_timezone_utc_to_local(zone, us);
        MR_TRY(add_months(local, interval->months, &local, err));
        us = mr_timezone_local_to_utc(zone, local);
    }
    if (interval->days != 0) {
        int64_t local = mr_timezone_utc_to_local(zone, us);
        MR_TRY(add_us(local, (__int128)interval->days * MR_US_PER_DAY, &local, err));
        us = mr_timezone_local_to_utc(zone, local);
    }
    return add_us(us, interval->us, out, err);
}

MrInterval mr_timestamp_subtract(int64_t a, int64_t b)
{
    __int128 difference = (__int128)a - b;
    return (MrInterval){
        .us = (int64_t)(difference % MR_US_PER_DAY),
        .days = (int32_t)(difference / MR_US_PER_DAY),
    };
}

/* a >= b: years, months and days counted on the calendar; days are borrowed from b's month. */
static MrInterval age_forward(int64_t a, int64_t b)
{
    MrCivil later;
    MrCivil earlier;

    mr_civil_from_us(a, &later);
    mr_civil_from_us(b, &earlier);
    int64_t day_a =
        ((int64_t)later.hour * 3600 + later.minute * 60 + later.second) * MR_US_PER_SECOND +
        later.microsecond;
    int64_t day_b =
        ((int64_t)earlier.hour * 3600 + earlier.minute * 60 + earlier.second) * MR_US_PER_SECOND +
        earlier.microsecond;
    int32_t days = later.day - earlier.day;
    int32_t months = (later.year - earlier.year) * 12 + later.month - earlier.month;
    int64_t us = day_a - day_b;

    if (us < 0) {
        us += MR_US_PER_DAY;
        days--;
    }
    if (days < 0) {
        days += days_in_month(earlier.year, earlier.month);
        months--;
    }
    return (MrInterval){ .us = us, .days = days, .months = months };
}

MrInterval mr_timestamp_age(int64_t a, int64_t b)
{
    if (a >= b) {
        return age_forward(a, b);
    }
    /* Mirrored: PostgreSQL turns the signs round, but still borrows days from the month of the
     * earlier moment, which here is a. */
    MrInterval age = age_forward(b, a);
    return mr_interval_negate(&age);
}

MrInterval mr_interval_negate(const MrInterval *interval)
{
    /* The one number without an opposite stays at the end of its range. */
    return (MrInterval){
        .us = interval->us == INT64_MIN ? INT64_MAX : -interval->us,
        .days = interval->days == INT32_MIN ? INT32_MAX : -interval->days,
        .months = interval->months == INT32_MIN ? INT32_MAX : -interval->months,
    };
}

MrStatus mr_interval_add(const MrInterval *a, const MrInterval *b, MrInterval *out, MrError *err)
{
    MrInterval sum;
    if (__builtin_add_overflow(a->us, b->us, &sum.us) ||
        __builtin_add_overflow(a->days, b->days, &sum.days) ||
        __builtin_add_overflow(a->months, b->months, &sum.months)) {
        return interval_out_of_range(err);
    }
    *out = sum;
    return MR_OK;
}

MrStatus mr_interval_subtract(const MrInterval *a, const MrInterval *b, MrInterval *out,
                              MrError *err)
{
    MrInterval difference;
    if (__builtin_sub_overflow(a->us, b->us, &difference.us) ||
        __builtin_sub_overflow(a->days, b->days, &difference.days) ||
        __builtin_sub_overflow(a->months, b->months, &difference.months)) {
        return interval_out_of_range(err);
    }
    *out = difference;
    return MR_OK;
}

static double round_to_us(double seconds)
{
    return rint(seconds * 1e6) / 1e6;
}

/* What multiplying and dividing share: the exact products of the three parts. */
static MrStatus interval_scale(double months, double days, double us, MrInterval *out, MrError *err)
{
    if (!(fabs(months) < 2147483647.0) || !(fabs(days) < 2147483647.0)) {
        return interval_out_of_range(err);
    }
    /* Fractions of months become days of 1/30, fractions of days become time. */
    int32_t whole_months = (int32_t)months;
    int64_t whole_days = (int64_t)days;
    double month_days = round_to_us((months - whole_months) * DAYS_PER_MONTH);
    double seconds = (days - (double)whole_days + month_days - (int)month_days) * SECONDS_PER_DAY;
    seconds = round_to_us(seconds);
    if (fabs(seconds) >= SECONDS_PER_DAY) {
        int carry = (int)(seconds / SECONDS_PER_DAY);
        whole_days += carry;
        seconds -= (double)carry * SECONDS_PER_DAY;
    }
    whole_days += (int64_t)month_days;
    double time = rint(us + seconds * 1e6);
    if (!(fabs(time) < 9223372036854775807.0) || whole_days > INT32_MAX || whole_days < INT32_MIN) {
        return interval_out_of_range(err);
    }
    *out = (MrInterval){ .us = (int64_t)time, .days = (int32_t)whole_days, .months = whole_months };
    return MR_OK;
}

MrStatus mr_interval_multiply(const MrInterval *a, double factor, MrInterval *out, MrError *err)
{
    return interval_scale(a->months * factor, a->days * factor, (double)a->us * factor, out, err);
}

MrStatus mr_interval_divide(const MrInterval *a, double divisor, MrInterval *out, MrError *err)
{
    if (divisor == 0) {
        return mr_error_set(err, MR_ERR_DIVISION_BY_ZERO, "division by zero");
    }
    return interval_scale(a->months / divisor, a->days / divisor, (double)a->us / divisor, out,
                          err);
}
