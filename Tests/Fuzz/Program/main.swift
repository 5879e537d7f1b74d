import Glibc

exit(Fuzz.run())
