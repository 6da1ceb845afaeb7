"""A local AWS for tests and demos: moto's server plus the fixes in `aws/`.

    python emulator.py --port 0 --port-file FILE [--exit-with-stdin]

binds 127.0.0.1 on the given (0: a free) port and writes the port number to
FILE, atomically, once it answers. SIGTERM and SIGINT end it at once; with
--exit-with-stdin so does the end of standard input, so that no emulator
outlives the test process that started it.
"""

import argparse
import os
import signal
import sys
import threading


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line. Every delay can also be set by an environment variable."""

    def delay(name: str, default: str, text: str) -> None:
        variable = f"EMULATOR_{name.upper().replace('-', '_')}"
        parser.add_argument(
            f"--{name}",
            type=float,
            metavar="SECONDS",
            default=float(os.environ.get(variable, default)),
            help=f"{text} (default {default}; environment: {variable})",
        )

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="port to bind, 0 for a free one (default)")
    parser.add_argument("--port-file", metavar="FILE", help="where to write the port once it answers")
    parser.add_argument("--exit-with-stdin", action="store_true", help="exit when standard input ends")
    delay("notebook-delay", "0.2", "time a notebook instance spends in each passing state")
    delay("interface-delay", "0.2", "time a network interface outlives its notebook instance")
    delay("endpoint-delay", "0.2", "time a VPC endpoint is pending or deleting")
    delay("job-delay", "2", "time a SageMaker job is InProgress")
    delay("studio-delay", "0.2", "time a domain, profile, space or app is pending or deleting")
    delay("trail-delay", "0.2", "time until CloudTrail shows a call")
    return parser.parse_args(argv)


def announce(path: str, port: int) -> None:
    """Write the port so that a reader sees either no file or the whole number."""
    draft = f"{path}.{os.getpid()}"
    with open(draft, "w") as file:
        file.write(f"{port}\n")
    os.replace(draft, path)


def exit_with_stdin() -> None:
    """End the process, without ceremony, when standard input reaches its end."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    args = arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    if args.exit_with_stdin:
        threading.Thread(target=exit_with_stdin, daemon=True).start()

    import aws
    from aws.server import Server

    aws.install(args)
    server = Server((args.host, args.port))
    if args.port_file:
        announce(args.port_file, server.port)
    else:
        print(f"listening on http://{args.host}:{server.port}", file=sys.stderr, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
