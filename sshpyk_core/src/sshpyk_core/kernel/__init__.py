"""One kernel as this side has it: started or joined, held over lost connections, ended or left."""
