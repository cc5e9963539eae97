"""How the stored shape of accounts came to be."""
