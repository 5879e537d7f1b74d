// libnuma prints warnings on stderr, some of them from its constructor before main, through these two weak functions.
// ksmd reads sysfs itself and reports what it finds there, so the library is kept quiet. (numa_error would exit only if
// numa_exit_on_error were set; it is not.)

void numa_warn(int number, char *format, ...) {
    (void)number;
    (void)format;
}

void numa_error(char *where) {
    (void)where;
}
