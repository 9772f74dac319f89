# m4/mr_flags.m4 - compiler and linker flags of the project.
# Sets MR_CPPFLAGS, MR_CFLAGS, MR_KERNEL_CFLAGS and MR_LDFLAGS from the --enable options.

# MR_TRY_FLAG(VARIABLE, FLAG): appends FLAG to VARIABLE where the compiler and linker know it.
AC_DEFUN([MR_TRY_FLAG], [
    AS_VAR_PUSHDEF([mr_known], [mr_cv_flag_$2])
    AC_CACHE_CHECK([whether $CC knows $2], [mr_known], [
        mr_saved_cflags=$CFLAGS
        CFLAGS="$CFLAGS -Werror $2"
        AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
            [AS_VAR_SET([mr_known], [yes])], [AS_VAR_SET([mr_known], [no])])
        CFLAGS=$mr_saved_cflags])
    AS_VAR_IF([mr_known], [yes], [AS_VAR_APPEND([$1], [" $2"])])
    AS_VAR_POPDEF([mr_known])
])

AC_DEFUN([MR_COMPILER_FLAGS], [
    MR_CPPFLAGS="-D_GNU_SOURCE"
    MR_CFLAGS="-std=gnu11 -pthread"
    MR_LDFLAGS="-pthread"
    MR_KERNEL_CFLAGS="-O3"

    m4_foreach_w([mr_flag], [-Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes
        -Wpointer-arith -Wwrite-strings -Wvla -Wformat-security],
        [MR_TRY_FLAG([MR_CFLAGS], mr_flag)])
    AS_IF([test "x$enable_werror" = xyes], [MR_CFLAGS="$MR_CFLAGS -Werror"])

    # Hardening.  Signed overflow stays undefined: the kernels check for it with the builtins.
    MR_TRY_FLAG([MR_CFLAGS], [-fstack-protector-strong])
    MR_TRY_FLAG([MR_CFLAGS], [-fPIE])
    MR_TRY_FLAG([MR_CFLAGS], [-ftrivial-auto-var-init=zero])
    MR_TRY_FLAG([MR_LDFLAGS], [-pie])
    MR_TRY_FLAG([MR_LDFLAGS], [-Wl,-z,relro,-z,now])

    mr_sanitized=no
    AS_IF([test "x$enable_asan" = xyes], [
        mr_sanitized=yes
        mr_san="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
        MR_CFLAGS="$MR_CFLAGS -O1 $mr_san -fno-omit-frame-pointer"
        MR_LDFLAGS="$MR_LDFLAGS $mr_san"])
    AS_IF([test "x$enable_tsan" = xyes], [
        mr_sanitized=yes
        MR_CFLAGS="$MR_CFLAGS -O1 -fsanitize=thread -fno-omit-frame-pointer"
        MR_LDFLAGS="$MR_LDFLAGS -fsanitize=thread"])
    AS_IF([test "x$enable_fuzzers" = xyes], [
        AC_MSG_CHECKING([whether $CC can build libFuzzer targets])
        mr_saved_cflags=$CFLAGS
        CFLAGS="$CFLAGS -fsanitize=fuzzer"
        AC_LINK_IFELSE([AC_LANG_SOURCE([[
            #include <stddef.h>
            #include <stdint.h>
            int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
            { (void)data; return size > 4; }]])],
            [AC_MSG_RESULT([yes])],
            [AC_MSG_ERROR([--enable-fuzzers needs clang: run configure with CC=clang])])
        CFLAGS=$mr_saved_cflags
        MR_CFLAGS="$MR_CFLAGS -fsanitize=fuzzer-no-link"])

    # Sanitized code keeps -O1 in the kernels too, and no function clones (ifunc resolvers run
    # before the sanitizer's own start).  FORTIFY needs optimization and hides reads from ASan.
    AS_IF([test "x$mr_sanitized" = xyes || test "x$enable_fuzzers" = xyes], [
        MR_CPPFLAGS="$MR_CPPFLAGS -DMR_NO_TARGET_CLONES"
        MR_KERNEL_CFLAGS=""
        AS_IF([test "x$mr_sanitized" = xno], [MR_CFLAGS="$MR_CFLAGS -O1"])
    ], [
        MR_CFLAGS="$MR_CFLAGS -O2"
        AS_CASE([" $CFLAGS "], [*" -O0 "*|*" -Og "*], [],
            [MR_CPPFLAGS="$MR_CPPFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"])
        AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
            #if defined(__clang__)
            #error "clang: no clones"
            #endif]], [])], [], [MR_CPPFLAGS="$MR_CPPFLAGS -DMR_NO_TARGET_CLONES"])])

    AC_SUBST([MR_CPPFLAGS])
    AC_SUBST([MR_CFLAGS])
    AC_SUBST([MR_KERNEL_CFLAGS])
    AC_SUBST([MR_LDFLAGS])
])
