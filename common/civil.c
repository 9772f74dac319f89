/*
 * common/civil.c - days and microseconds to calendar fields and back (proleptic Gregorian).
 */
#include "common/datetime.h"

/* Years start in March here, so that the leap day is the last one; an era is 400 years. */
int32_t mr_days_from_civil(int32_t year, int32_t month, int32_t day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return (int32_t)(era * 146097 + day_of_era - 719468);
}

static void civil_from_days(int64_t days, MrCivil *out)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */

    out->day = (int32_t)(day_of_year - (153 * month + 2) / 5 + 1);
    out->month = (int32_t)(month < 10 ? month + 3 : month - 9);
    out->year = (int32_t)(year_of_era + era * 400 + (out->month <= 2));
}

int64_t mr_civil_to_us(const MrCivil *civil)
{
    int64_t seconds = (int64_t)mr_days_from_civil(civil->year, civil->month, civil->day) * 86400 +
                      civil->hour * 3600 + civil->minute * 60 + civil->second;
    return seconds * MR_US_PER_SECOND + civil->microsecond;
}

void mr_civil_from_us(int64_t us, MrCivil *out)
{
    int64_t days = us / MR_US_PER_DAY;
    int64_t rest = us % MR_US_PER_DAY;

    if (rest < 0) {
        rest += MR_US_PER_DAY;
        days--;
    }
    civil_from_days(days, out);
    int32_t seconds = (int32_t)(rest / MR_US_PER_SECOND);
    out->microsecond = (int32_t)(rest % MR_US_PER_SECOND);
    out->hour = seconds / 3600;
    out->minute = seconds / 60 % 60;
    out->second = seconds % 60;
}
