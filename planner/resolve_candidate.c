/*
 * planner/resolve_candidate.c - chooses among overloads by PostgreSQL's rules ("Type Conversion"):
 * most exact arguments, preferred types, unknown literals.  Must not know what is overloaded.
 */
#include "planner/binder.h"

typedef uint32_t CandidateScore(const MrCandidate *candidate, const MrTypeId *types,
                                uint32_t arg_count);

static uint32_t score_exact(const MrCandidate *candidate, const MrTypeId *types, uint32_t arg_count)
{
    uint32_t score = 0;
    for (uint32_t i = 0; i < arg_count; i++) {
        score += types[i] != MR_TYPE_UNKNOWN && candidate->args[i] == types[i];
    }
    return score;
}

static uint32_t score_preferred(const MrCandidate *candidate, const MrTypeId *types,
                                uint32_t arg_count)
{
    uint32_t score = 0;
    for (uint32_t i = 0; i < arg_count; i++) {
        const MrTypeInfo *wanted = mr_type_info(candidate->args[i]);
        if (types[i] != MR_TYPE_UNKNOWN) {
            score += candidate->args[i] == types[i] ||
                     (wanted->preferred && wanted->category == mr_type_info(types[i])->category);
        }
    }
    return score;
}

/* Keeps the candidates of the highest score, at the front, in their order. */
static uint32_t keep_best(MrCandidate *candidates, uint32_t count, CandidateScore *score,
                          const MrTypeId *types, uint32_t arg_count)
{
    uint32_t best = 0, kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t points = score(&candidates[i], types, arg_count);
        if (points > best) {
            best = points;
            kept = 0;
        }
        if (points == best) {
            candidates[kept++] = candidates[i];
        }
    }
    return kept;
}

/* The category that an unknown argument is taken for: text wins, else all must agree. 0: no
 * decision. */
static char unknown_category(const MrCandidate *candidates, uint32_t count, uint32_t arg,
                             bool *has_preferred)
{
    char category = 0;
    bool conflict = false;
    *has_preferred = false;
    for (uint32_t i = 0; i < count; i++) {
        const MrTypeInfo *info = mr_type_info(candidates[i].args[arg]);
        if (category == 0) {
            category = info->category;
            *has_preferred = info->preferred;
        } else if (category == info->category) {
            *has_preferred |= info->preferred;
        } else if (info->category == 'S') {
            category = 'S';
            *has_preferred = info->preferred;
        } else if (category != 'S') {
            conflict = true;
        }
    }
    return conflict && category != 'S' ? 0 : category;
}

static uint32_t keep_by_category(MrCandidate *candidates, uint32_t count, const MrTypeId *types,
                                 uint32_t arg_count)
{
    char category[MR_CALL_ARGS_MAX];
    bool preferred[MR_CALL_ARGS_MAX];
    for (uint32_t i = 0; i < arg_count; i++) {
        category[i] = 0;
        preferred[i] = false;
        if (types[i] == MR_TYPE_UNKNOWN) {
            category[i] = unknown_category(candidates, count, i, &preferred[i]);
            if (category[i] == 0) {
                return count; /* undecided: this rule cannot help */
            }
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool fits = true;
        for (uint32_t j = 0; j < arg_count && fits; j++) {
            const MrTypeInfo *info = mr_type_info(candidates[i].args[j]);
            fits = types[j] != MR_TYPE_UNKNOWN ||
                   (info->category == category[j] && (!preferred[j] || info->preferred));
        }
        if (fits) {
            candidates[kept++] = candidates[i];
        }
    }
    return kept > 0 ? kept : count;
}

/* Last resort: unknown arguments are taken for the one type that all known ones have. */
static int32_t select_by_known_type(const MrCandidate *candidates, uint32_t count,
                                    const MrTypeId *types, uint32_t arg_count)
{
    MrTypeId known = MR_TYPE_UNKNOWN;
    for (uint32_t i = 0; i < arg_count; i++) {
        if (types[i] == MR_TYPE_UNKNOWN) {
            continue;
        }
        if (known != MR_TYPE_UNKNOWN && known != types[i]) {
            return -2;
        }
        known = types[i];
    }
    if (known == MR_TYPE_UNKNOWN) {
        return -2;
    }
    int32_t found = -2;
    for (uint32_t i = 0; i < count; i++) {
        bool fits = true;
        for (uint32_t j = 0; j < arg_count && fits; j++) {
            fits = mr_can_coerce(known, candidates[i].args[j], MR_CAST_IMPLICIT);
        }
        if (fits) {
            if (found >= 0) {
                return -2;
            }
            found = (int32_t)i;
        }
    }
    return found;
}

/* Reorders and overwrites `candidates`. */
int32_t mr_select_candidate(MrCandidate *candidates, uint32_t count, const MrTypeId *types,
                            uint32_t arg_count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool fits = true;
        for (uint32_t j = 0; j < arg_count && fits; j++) {
            fits = mr_can_coerce(types[j], candidates[i].args[j], MR_CAST_IMPLICIT);
        }
        if (fits) {
            candidates[kept++] = candidates[i];
        }
    }
    if (kept <= 1) {
        return kept == 0 ? -1 : 0;
    }
    kept = keep_best(candidates, kept, score_exact, types, arg_count);
    if (kept > 1) {
        kept = keep_best(candidates, kept, score_preferred, types, arg_count);
    }
    bool has_unknown = false;
    for (uint32_t i = 0; i < arg_count; i++) {
        has_unknown |= types[i] == MR_TYPE_UNKNOWN;
    }
    if (kept > 1 && has_unknown) {
        kept = keep_by_category(candidates, kept, types, arg_count);
    }
    if (kept == 1) {
        return 0;
    }
    return has_unknown ? select_by_known_type(candidates, kept, types, arg_count) : -2;
}
