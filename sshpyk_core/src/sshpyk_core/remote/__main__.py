"""Entry of the remote package on the host: ``python -I -S PACKAGE bridge NONCE``."""

import sys


def main() -> None:
    """Be what the first argument says."""
    role, argument = sys.argv[1:3]
    if role == "bridge":
        from . import bridge

        bridge.main(argument)
    elif role == "launch":
        from . import launch

        launch.main(argument)
    else:
        sys.exit("unknown role %r" % role)


if __name__ == "__main__":
    main()
