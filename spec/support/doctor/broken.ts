throw new Error('The database is not there.');
