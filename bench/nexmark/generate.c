/*
 * bench/nexmark/generate.c - the three streams of Nexmark (Tucker, Tufte, Papadimos, Maier 2002) as
 * CSV files without a header: of 50 events one is a person, three are auctions, 46 are bids.
 * An event is a function of its number and the seed, and one comes every US_PER_EVENT microseconds,
 * so that no two have the same time.
 *
 * Skew, as the published generators have it: half of the bids go to the newest hundredth auction
 * and the rest to one of the last hundred; three of four bids are by the newest hundredth person;
 * three of four auctions are by such a person too.  Prices are 10^u dollars, u even in 0..6, in cents.
 *
 * Usage: generate EVENTS US_PER_EVENT DIRECTORY
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PER_ROUND = 50,
    AUCTIONS = 3,
    FIRST_ID = 1000,
    HOT_EVERY = 100,
    ACTIVE_PEOPLE = 1000,
    IN_FLIGHT = 100,
    CATEGORIES = 5,
    PATH_MAX_BYTES = 4096,
    EXTRA_MAX = 128,
};
#define SEED UINT64_C(20020801)

static const char *const first_names[] = { "Peter", "Paul",  "Luke",  "John",   "Saul",  "Vicky",
                                           "Kate",  "Julie", "Sarah", "Deiter", "Walter" };
static const char *const last_names[] = { "Shultz", "Abrams", "Spencer", "White", "Bartels",
                                          "Walton", "Smith",  "Jones",   "Noris" };
static const char *const cities[] = { "Phoenix",  "Los Angeles", "San Francisco", "Boise",
                                      "Portland", "Bend",        "Redmond",       "Seattle",
                                      "Kent",     "Cheyenne" };
static const char *const states[] = { "AZ", "CA", "ID", "OR", "WA", "WY" };
static const char *const hot_channels[] = { "Google", "Facebook", "Baidu", "Apple" };
#define PICK(random, list) list[random_below(random, sizeof list / sizeof list[0])]

/* splitmix64 */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t random_below(uint64_t *state, uint64_t limit)
{
    return ((random_next(state) >> 32) * limit) >> 32;
}

static uint64_t random_price(uint64_t *state)
{
    double exponent = (double)random_below(state, UINT64_C(1) << 31) / (double)(1 << 30) * 3.0;
    return (uint64_t)(pow(10.0, exponent) * 100.0 + 0.5);
}

/* Lower-case letters and blanks, `least` to twice as many. */
static const char *random_text(uint64_t *state, uint32_t least, char out[EXTRA_MAX])
{
    uint32_t length = least + (uint32_t)random_below(state, least);
    length = length < EXTRA_MAX ? length : EXTRA_MAX - 1;
    for (uint32_t i = 0; i < length; i++) {
        uint64_t letter = random_below(state, 32);
        out[i] = letter < 26 ? (char)('a' + letter) : letter < 29 ? ' ' : 'c';
    }
    out[length] = '\0';
    return out;
}

/* "2026-01-01 00:00:00.000000"; days beyond January go on as February and March. */
static const char *time_text(uint64_t us, char out[40])
{
    static const unsigned months[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    uint64_t second = us / 1000000;
    unsigned day = (unsigned)(second / 86400), month = 0;
    while (month < 11 && day >= months[month]) {
        day -= months[month++];
    }
    snprintf(out, 40, "2026-%02u-%02u %02u:%02u:%02u.%06u", month + 1, day + 1,
             (unsigned)(second / 3600 % 24), (unsigned)(second / 60 % 60), (unsigned)(second % 60),
             (unsigned)(us % 1000000));
    return out;
}

typedef struct Event {
    uint64_t number, at_us, random;
    uint64_t round, place; /* of PER_ROUND */
} Event;

static uint64_t newest_person(const Event *event)
{
    return FIRST_ID + event->round;
}

/* Of those that have been opened before the event. */
static uint64_t newest_auction(const Event *event)
{
    uint64_t opened = event->place > AUCTIONS ? AUCTIONS : event->place == 0 ? 0 : event->place - 1;
    uint64_t before = event->round * AUCTIONS + opened;
    return FIRST_ID + (before == 0 ? 0 : before - 1);
}

static uint64_t one_of_last(uint64_t newest, uint64_t count, uint64_t *random)
{
    uint64_t there = newest - FIRST_ID + 1;
    return newest - random_below(random, there < count ? there : count);
}

static uint64_t some_person(Event *event, uint64_t hot_offset)
{
    uint64_t newest = newest_person(event);
    if (random_below(&event->random, 4) > 0) {
        uint64_t hot = newest / HOT_EVERY * HOT_EVERY + hot_offset;
        return hot > newest || hot < FIRST_ID ? newest : hot;
    }
    return one_of_last(newest, ACTIVE_PEOPLE, &event->random);
}

static void put_person(FILE *file, Event *event)
{
    char extra[EXTRA_MAX], at[40];
    uint64_t *random = &event->random;
    const char *first = PICK(random, first_names), *last = PICK(random, last_names);
    uint64_t card = random_next(random) % UINT64_C(10000000000000000);
    fprintf(file, "%llu,%s %s,%s@%s.com,%04llu %04llu %04llu %04llu,%s,%s,%s,%s\n",
            (unsigned long long)newest_person(event), first, last, first, last,
            (unsigned long long)(card / 1000000000000),
            (unsigned long long)(card / 100000000 % 10000),
            (unsigned long long)(card / 10000 % 10000), (unsigned long long)(card % 10000),
            PICK(random, cities), PICK(random, states), time_text(event->at_us, at),
            random_text(random, 50, extra));
}

static void put_auction(FILE *file, Event *event, uint64_t us_per_event)
{
    char item[EXTRA_MAX], description[EXTRA_MAX], extra[EXTRA_MAX], at[40], expires[40];
    uint64_t *random = &event->random;
    uint64_t id = FIRST_ID + event->round * AUCTIONS + event->place - 1;
    uint64_t seller = some_person(event, 0);
    uint64_t first_bid = random_price(random);
    /* Long enough for most of the bids that come while it is in flight. */
    uint64_t life = (1 + random_below(random, 2 * IN_FLIGHT * PER_ROUND / AUCTIONS)) * us_per_event;
    fprintf(file, "%llu,%s,%s,%llu,%llu,%s,%s,%llu,%llu,%s\n", (unsigned long long)id,
            random_text(random, 10, item), random_text(random, 50, description),
            (unsigned long long)first_bid, (unsigned long long)(first_bid + random_price(random)),
            time_text(event->at_us, at), time_text(event->at_us + life, expires),
            (unsigned long long)seller, (unsigned long long)(10 + random_below(random, CATEGORIES)),
            random_text(random, 40, extra));
}

static void put_bid(FILE *file, Event *event)
{
    char extra[EXTRA_MAX], at[40], channel[40], url[3 * EXTRA_MAX], path[EXTRA_MAX];
    uint64_t *random = &event->random;
    uint64_t newest = newest_auction(event);
    uint64_t hot = newest / HOT_EVERY * HOT_EVERY;
    uint64_t auction = random_below(random, 2) == 0 && hot >= FIRST_ID
                           ? hot
                           : one_of_last(newest, IN_FLIGHT, random);
    uint64_t bidder = some_person(event, 1), price = random_price(random);
    for (char *p = (char *)random_text(random, 5, path); *p != '\0'; p++) {
        *p = *p == ' ' ? '_' : *p;
    }
    if (random_below(random, 2) == 0) {
        snprintf(channel, sizeof channel, "%s", PICK(random, hot_channels));
        snprintf(url, sizeof url, "https://www.nexmark.com/%s/%s/item.htm?query=1", path, path + 1);
    } else {
        unsigned number = (unsigned)random_below(random, 10000);
        snprintf(channel, sizeof channel, "channel-%u", number);
        snprintf(url, sizeof url, "https://www.nexmark.com/%s/%s/item.htm?query=1&channel_id=%u",
                 path, path + 1, number * 7919 % 65536);
    }
    fprintf(file, "%llu,%llu,%llu,%s,%s,%s,%s\n", (unsigned long long)auction,
            (unsigned long long)bidder, (unsigned long long)price, channel, url,
            time_text(event->at_us, at), random_text(random, 40, extra));
}

static FILE *open_stream(const char *directory, const char *name)
{
    char path[PATH_MAX_BYTES];
    snprintf(path, sizeof path, "%s/%s.csv", directory, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        fprintf(stderr, "generate: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return file;
}

int main(int argc, char **argv)
{
    uint64_t events = argc == 4 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t us_per_event = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
    if (events == 0 || us_per_event == 0 || events > UINT64_C(300) * 86400000000 / us_per_event) {
        fprintf(stderr, "usage: generate EVENTS US_PER_EVENT DIRECTORY (300 days at most)\n");
        return 2;
    }
    FILE *person = open_stream(argv[3], "person"), *auction = open_stream(argv[3], "auction"),
         *bid = open_stream(argv[3], "bid");
    for (uint64_t n = 0; n < events; n++) {
        Event event = { .number = n,
                        .at_us = n * us_per_event,
                        .random = SEED ^ (n * UINT64_C(0xd1342543de82ef95)),
                        .round = n / PER_ROUND,
                        .place = n % PER_ROUND };
        if (event.place == 0) {
            put_person(person, &event);
        } else if (event.place <= AUCTIONS) {
            put_auction(auction, &event, us_per_event);
        } else {
            put_bid(bid, &event);
        }
    }
    bool failed = fclose(person) != 0;
    failed |= fclose(auction) != 0;
    failed |= fclose(bid) != 0;
    if (failed) {
        fprintf(stderr, "generate: %s\n", strerror(errno));
    }
    return failed ? 1 : 0;
}
