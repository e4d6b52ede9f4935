"""The framework of sshpyk: Jupyter kernels on other machines, over SSH, as if they were local."""
