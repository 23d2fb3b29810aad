/** Controllers that forgot something. */
import { Delete, Get, JsonController } from 'routing-controllers';
import { RequiresAuth } from '../../../src/index.js';

@JsonController('/notes')
export class NotesController {
  @Get('/')
  @RequiresAuth()
  list() {
    return [];
  }

  @Delete('/:id')
  remove() {
    return 'removed';
  }
}

@JsonController('/archive')
export class ArchiveController extends NotesController {}
