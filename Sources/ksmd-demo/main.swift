import Glibc

exit(Role.run(CommandLine.arguments))
